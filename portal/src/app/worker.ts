interface Policies {
  createPolicy(name: string, rules: { createScriptURL: (url: string) => string }): { createScriptURL(url: string): string };
}

/** Registers the service worker, where there is one (https or localhost, built files). */
export function registerWorker() {
  if (!("serviceWorker" in navigator) || !import.meta.env.PROD) return;
  const policies = (window as { trustedTypes?: Policies }).trustedTypes;
  // The one policy that the server's header allows; it passes exactly this address.
  const policy = policies?.createPolicy("sw", {
    createScriptURL(url) {
      if (url !== "/sw.js") throw new TypeError("not the service worker");
      return url;
    },
  });
  const url = policy ? policy.createScriptURL("/sw.js") : "/sw.js";
  // Without a worker the page works, only not offline.
  navigator.serviceWorker.register(url).catch(() => undefined);
}

/** After an update of the server an old page asks for chunks that are gone: one reload, never a loop. */
export function reloadOnceWhenOutdated() {
  window.addEventListener("vite:preloadError", (event) => {
    const key = "corrente.reloaded";
    const last = Number(sessionStorage.getItem(key) ?? 0);
    if (Date.now() - last < 60_000) return;
    event.preventDefault();
    sessionStorage.setItem(key, String(Date.now()));
    window.location.reload();
  });
}

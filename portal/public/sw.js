// Keeps the shell and the last answers, so that the page can be read without a connection.
// What comes from the store says since when it is there, and the page shows that.
const shell = "corrente-shell-1";
const answers = "corrente-answers-1";
const kept = [/^\/api\/v1\/(me|options)$/, /\/home$/, /\/usage$/, /\/tariff$/, /\/usage-points\/[^/]+\/events$/, /\/invoices$/, /^\/api\/v1\/invoices\/[^/]+(\/pix\.svg)?$/];

self.addEventListener("install", (event) => {
  event.waitUntil(
    caches.open(shell).then((cache) => cache.addAll(["/", "/favicon.svg", "/manifest.webmanifest"])).then(() => self.skipWaiting()),
  );
});

self.addEventListener("activate", (event) => {
  event.waitUntil(
    caches
      .keys()
      .then((names) => Promise.all(names.filter((name) => name !== shell && name !== answers).map((name) => caches.delete(name))))
      .then(() => self.clients.claim()),
  );
});

self.addEventListener("fetch", (event) => {
  const { request } = event;
  const url = new URL(request.url);
  if (url.origin !== self.location.origin) return;
  // Whoever signs in or out must not meet the answers of the one before.
  if (url.pathname.startsWith("/api/v1/session") && request.method !== "GET") {
    event.waitUntil(caches.delete(answers));
    return;
  }
  if (request.method !== "GET") return;
  if (request.mode === "navigate") {
    if (!url.pathname.startsWith("/api/")) event.respondWith(page(request));
  } else if (url.pathname.startsWith("/assets/")) {
    event.respondWith(asset(request));
  } else if (kept.some((pattern) => pattern.test(url.pathname))) {
    event.respondWith(answer(request));
  }
});

async function page(request) {
  const cache = await caches.open(shell);
  try {
    const response = await fetch(request);
    if (response.ok && response.headers.get("content-type")?.includes("html")) await cache.put("/", response.clone());
    return response;
  } catch (error) {
    const stored = await cache.match("/");
    if (stored) return stored;
    throw error;
  }
}

async function asset(request) {
  const cache = await caches.open(shell);
  const stored = await cache.match(request);
  if (stored) return stored;
  const response = await fetch(request);
  if (response.ok) await cache.put(request, response.clone());
  return response;
}

async function answer(request) {
  const cache = await caches.open(answers);
  try {
    const response = await fetch(request);
    if (response.status === 401) await caches.delete(answers);
    else if (response.ok) {
      const headers = new Headers(response.headers);
      headers.set("x-stored-at", String(Date.now()));
      const copy = response.clone();
      await cache.put(request, new Response(await copy.blob(), { status: 200, headers }));
      await trim(cache);
    }
    return response;
  } catch (error) {
    const stored = await cache.match(request);
    if (stored) return stored;
    throw error;
  }
}

// The last forty answers are enough for Home, a history and three bills.
async function trim(cache) {
  const keys = await cache.keys();
  await Promise.all(keys.slice(0, Math.max(0, keys.length - 40)).map((key) => cache.delete(key)));
}

// What the server tells while no page is open. A page that is open and seen has said it already.
self.addEventListener("push", (event) => {
  let told = {};
  try {
    told = event.data?.json() ?? {};
  } catch {
    // A message that is none still has to be shown, or the browser takes the permission back.
  }
  const { title = "Corrente", body = "", link = "/alerts", tag } = told;
  event.waitUntil(
    self.registration.showNotification(String(title), { body: String(body), tag, icon: "/favicon.svg", badge: "/favicon.svg", data: { link: String(link) } }),
  );
});

self.addEventListener("notificationclick", (event) => {
  event.notification.close();
  const link = new URL(event.notification.data?.link ?? "/", self.location.origin);
  if (link.origin !== self.location.origin) return;
  event.waitUntil(
    self.clients.matchAll({ type: "window" }).then(async (pages) => {
      const open = pages.find((page) => new URL(page.url).origin === link.origin);
      if (!open) return self.clients.openWindow(link.href);
      await open.focus();
      return open.navigate(link.href);
    }),
  );
});

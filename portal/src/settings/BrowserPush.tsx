import { useQueryClient } from "@tanstack/react-query";
import { useEffect, useState } from "react";
import { ask, client as api } from "@/shared/api/client";
import type { Delivery } from "@/shared/api/types";
import { useT } from "@/shared/i18n/i18n";
import { Switch } from "@/shared/ui/Choice";

type State = "unknown" | "missing" | "off" | "on" | "denied" | "failed";

function bytes(text: string): Uint8Array<ArrayBuffer> {
  const plain = atob(text.replaceAll("-", "+").replaceAll("_", "/"));
  return Uint8Array.from(plain, (sign) => sign.charCodeAt(0));
}

/** What the browser is called among others. */
function browserName(): string {
  const agent = navigator.userAgent;
  const name = /Firefox|Edg|OPR|Chrome|Safari/.exec(agent)?.[0] ?? "Browser";
  const system = /Android|iPhone|iPad|Windows|Mac OS|Linux/.exec(agent)?.[0];
  return system ? `${name.replace("Edg", "Edge").replace("OPR", "Opera")}, ${system}` : name;
}

/** Notifications of this browser: they arrive while no page is open. */
export function BrowserPush({ delivery }: { delivery: Delivery }) {
  const t = useT();
  const client = useQueryClient();
  const [state, setState] = useState<State>("unknown");
  useEffect(() => {
    let gone = false;
    const look = async (): Promise<State> => {
      if (!("serviceWorker" in navigator) || !("PushManager" in window)) return "missing";
      if (Notification.permission === "denied") return "denied";
      const worker = await navigator.serviceWorker.getRegistration();
      if (!worker) return "missing";
      return (await worker.pushManager.getSubscription()) ? "on" : "off";
    };
    look().then(
      (next) => !gone && setState(next),
      () => !gone && setState("missing"),
    );
    return () => {
      gone = true;
    };
  }, []);
  const known = delivery.destinations.some(({ kind }) => kind === "push");
  const on = async () => {
    if ((await Notification.requestPermission()) !== "granted") return setState("denied");
    const worker = await navigator.serviceWorker.ready;
    const subscription = await worker.pushManager.subscribe({ userVisibleOnly: true, applicationServerKey: bytes(delivery.push_key) });
    const { endpoint, keys } = subscription.toJSON();
    await ask(api.POST("/api/v1/me/destinations", { body: { kind: "push", label: browserName(), address: endpoint, keys: { p256dh: keys?.["p256dh"], auth: keys?.["auth"] } } as never }));
    setState("on");
  };
  const off = async () => {
    const worker = await navigator.serviceWorker.getRegistration();
    const subscription = await worker?.pushManager.getSubscription();
    const host = subscription && new URL(subscription.endpoint).host;
    await subscription?.unsubscribe();
    // The server forgets a browser that is gone by itself; this one it can forget at once.
    const own = delivery.destinations.filter(({ kind, address, label }) => kind === "push" && address === host && label === browserName());
    await Promise.all(own.map(({ id }) => ask(api.DELETE("/api/v1/me/destinations/{id}", { params: { path: { id } } }))));
    setState("off");
  };
  const change = (wanted: boolean) =>
    (wanted ? on() : off())
      .catch(() => setState("failed"))
      .finally(() => void client.invalidateQueries({ queryKey: ["delivery"] }));
  if (state === "unknown") return null;
  const note = { missing: t("delivery.push.missing"), denied: t("delivery.push.denied"), failed: t("delivery.push.failed"), on: t("delivery.push.detail"), off: t("delivery.push.detail") }[state];
  return (
    <div className="flex items-center justify-between gap-4 border-b border-hairline py-4">
      <div>
        <p className="font-semibold">{t("delivery.push")}</p>
        <p className="text-sm text-muted">{note}</p>
      </div>
      <Switch label={t("delivery.push")} checked={state === "on" && known} disabled={state === "missing" || state === "denied"} onChange={(wanted) => void change(wanted)} />
    </div>
  );
}

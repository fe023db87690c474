import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { ask, client as api } from "@/shared/api/client";
import { queries } from "@/shared/api/queries";
import type { Delivery, Destination } from "@/shared/api/types";
import { useT } from "@/shared/i18n/i18n";
import { Button } from "@/shared/ui/Button";
import { Card } from "@/shared/ui/Card";
import { Segmented, Switch } from "@/shared/ui/Choice";
import { Icon } from "@/shared/ui/icons";
import { toast } from "@/shared/ui/toast";
import { NewDestination } from "./NewDestination";
import { BrowserPush } from "./BrowserPush";

type Mail = "now" | "daily" | "off";

const clock = (minute: number) => `${String(Math.floor(minute / 60)).padStart(2, "0")}:${String(minute % 60).padStart(2, "0")}`;
const minutes = (text: string) => Number(text.slice(0, 2)) * 60 + Number(text.slice(3, 5));

/** How this person is told: mailbox, quiet hours, and everything else that listens. */
export function DeliveryPanel() {
  const t = useT();
  const answer = useQuery(queries.delivery());
  return (
    <Card title={t("delivery.title")} size="h-64" answer={answer}>
      {(delivery) => <Ways delivery={delivery} />}
    </Card>
  );
}

function Ways({ delivery }: { delivery: Delivery }) {
  const t = useT();
  const client = useQueryClient();
  const save = useMutation({
    mutationFn: (body: { mail: string; quiet: Delivery["quiet"] }) => ask(api.PUT("/api/v1/me/delivery", { body: body as never })),
    onSuccess: (next) => client.setQueryData(queries.delivery().queryKey, next),
    onError: () => toast(t("settings.notSaved"), "danger"),
  });
  const quiet = delivery.quiet ?? null;
  const set = (change: Partial<{ mail: Mail; quiet: Delivery["quiet"] }>) => save.mutate({ mail: delivery.mail, quiet, ...change });
  return (
    <>
      <div className="border-b border-hairline py-4">
        <div className="flex flex-wrap items-center justify-between gap-3">
          <div className="min-w-0">
            <p className="font-semibold">{t("delivery.mail")}</p>
            <p className="truncate text-sm text-muted">{delivery.email}</p>
          </div>
          <Segmented<Mail>
            label={t("delivery.mail")}
            choices={(["now", "daily", "off"] as const).map((value) => ({ value, label: t(`delivery.mail.${value}`) }))}
            value={delivery.mail as Mail}
            onChange={(mail) => set({ mail })}
          />
        </div>
        {!delivery.mail_server && <p className="strip mt-3">{t("delivery.noServer")}</p>}
        {delivery.mail_server && delivery.mail !== "off" && (
          <Test className="mt-3" send={() => ask(api.POST("/api/v1/me/delivery/test"))} />
        )}
      </div>
      <div className="border-b border-hairline py-4">
        <div className="flex items-center justify-between gap-4">
          <div>
            <p className="font-semibold">{t("delivery.quiet")}</p>
            <p className="text-sm text-muted">{t("delivery.quietDetail")}</p>
          </div>
          <Switch label={t("delivery.quiet")} checked={quiet !== null} disabled={save.isPending} onChange={(on) => set({ quiet: on ? { from_minute: 1320, until_minute: 420 } : null })} />
        </div>
        {quiet && (
          <div className="mt-3 flex flex-wrap gap-3">
            {(["from_minute", "until_minute"] as const).map((end) => (
              <label key={end} className="field">
                <span className="field-label">{t(end === "from_minute" ? "delivery.quietFrom" : "delivery.quietUntil")}</span>
                <input
                  type="time"
                  className="input tabular"
                  value={clock(quiet[end])}
                  onChange={(event) => event.target.value && set({ quiet: { ...quiet, [end]: minutes(event.target.value) } })}
                />
              </label>
            ))}
          </div>
        )}
      </div>
      <BrowserPush delivery={delivery} />
      <ul>
        {delivery.destinations.map((destination) => (
          <One key={destination.id} destination={destination} />
        ))}
      </ul>
      <NewDestination privateTargets={delivery.private_targets} />
    </>
  );
}

function One({ destination }: { destination: Destination }) {
  const t = useT();
  const client = useQueryClient();
  const again = () => void client.invalidateQueries({ queryKey: ["delivery"] });
  const path = { params: { path: { id: destination.id } } };
  const remove = useMutation({ mutationFn: () => ask(api.DELETE("/api/v1/me/destinations/{id}", path)), onSuccess: again });
  const resume = useMutation({ mutationFn: () => ask(api.POST("/api/v1/me/destinations/{id}/resume", path)), onSuccess: again });
  return (
    <li className="border-b border-hairline py-4" aria-label={destination.label}>
      <div className="flex flex-wrap items-center justify-between gap-3">
        <div className="min-w-0">
          <p className="font-semibold">
            {destination.label} <span className="chip ms-1">{t(`delivery.kind.${destination.kind as "webhook"}`)}</span>
          </p>
          <p className="break-all text-sm text-muted">{destination.address}</p>
        </div>
        <Button small kind="plain" disabled={remove.isPending} onClick={() => remove.mutate()} aria-label={t("delivery.removeNamed", { name: destination.label })}>
          {t("delivery.remove")}
        </Button>
      </div>
      {destination.paused && (
        <div role="alert" className="strip mt-3 flex flex-wrap items-center justify-between gap-2">
          <span>{t("delivery.paused", { reason: destination.last_error ?? "–" })}</span>
          <Button small disabled={resume.isPending} onClick={() => resume.mutate()}>
            {t("delivery.resume")}
          </Button>
        </div>
      )}
      {!destination.paused && <Test className="mt-3" send={() => ask(api.POST("/api/v1/me/destinations/{id}/test", path))} done={again} />}
    </li>
  );
}

/** Sends a test, and says what came of it beside the button. */
function Test({ send, done, className }: { send: () => Promise<{ state: string; error?: string | null }>; done?: () => void; className?: string }) {
  const t = useT();
  const [asked, setAsked] = useState(0);
  const test = useMutation({ mutationFn: send, onSettled: done });
  const outcome = test.data;
  return (
    <div className={className}>
      <Button
        small
        disabled={test.isPending}
        onClick={() => {
          setAsked(asked + 1);
          test.mutate();
        }}
      >
        {t(test.isPending ? "delivery.testing" : "delivery.test")}
      </Button>
      <span role="status" className="ms-3 text-sm">
        {outcome?.state === "sent" && (
          <span className="inline-flex items-center gap-1 text-ok">
            <Icon name="check" size={16} /> {t("delivery.sent")}
          </span>
        )}
        {outcome && outcome.state !== "sent" && <span className="text-danger">{t(outcome.state === "failed" ? "delivery.failed" : "delivery.waiting", { reason: outcome.error ?? "–" })}</span>}
        {test.error && <span className="text-danger">{t("state.failed")}</span>}
      </span>
    </div>
  );
}

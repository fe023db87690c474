import { useQuery, useQueryClient } from "@tanstack/react-query";
import { useEffect } from "react";
import { ask, client as api } from "@/shared/api/client";
import { queries } from "@/shared/api/queries";
import { useT, type Key } from "@/shared/i18n/i18n";
import { Button, IconButton } from "@/shared/ui/Button";
import { copyText } from "@/shared/ui/copy";
import { Mark } from "@/shared/ui/icons";
import { toast } from "@/shared/ui/toast";

/** How often the page looks whether there is a home. */
const LOOK_MS = 5_000;

const steps: readonly { key: Key; command: string }[] = [
  { key: "first.organisation", command: 'corrente admin organisation set --data DIR --name "Luz do Vale" --zone America/Bahia' },
  { key: "first.tariff", command: "corrente admin tariff add --data DIR my-town.toml" },
  { key: "first.import", command: "corrente admin import --data DIR --customers customers.csv --usage-points homes.csv --meters meters.csv --agreements agreements.csv" },
  { key: "first.token", command: "corrente admin token create --data DIR --uses 1" },
  { key: "first.meter", command: `corrente meter --connect ${window.location.host} --token TOKEN` },
];

/** What an administrator sees of a server that has no home yet. */
export function FirstSteps() {
  const t = useT();
  const client = useQueryClient();
  // The answer replaces this page once it has a home in it.
  useQuery({ ...queries.me(), refetchInterval: LOOK_MS });
  useEffect(() => {
    document.title = `${t("first.title")} · Corrente`;
  }, [t]);
  const copy = (command: string) => void copyText(command).then((done) => toast(t(done ? "first.copied" : "copy.failed")));
  const leave = async () => {
    await ask(api.DELETE("/api/v1/session", { params: { query: {} } })).catch(() => undefined);
    client.setQueryData(["me"], null);
  };
  return (
    <main className="mx-auto grid min-h-dvh max-w-3xl content-center gap-4 p-4 rail:p-8">
      <div className="card grid gap-5 rail:p-8">
        <Mark size={40} />
        <h1 className="text-2xl font-semibold">{t("first.title")}</h1>
        <p className="text-muted">{t("first.how")}</p>
        <p className="text-sm text-muted">{t("first.container")}</p>
        <ol className="grid gap-4">
          {steps.map(({ key, command }, index) => (
            <li key={key} className="grid grid-cols-[2rem_minmax(0,1fr)] gap-x-3 gap-y-2">
              <span aria-hidden="true" className="grid size-8 place-items-center rounded-full bg-brand-soft text-sm font-semibold text-brand">
                {index + 1}
              </span>
              <span className="self-center font-semibold">{t(key)}</span>
              <span className="col-start-2 flex items-center gap-2 rounded-xl bg-sunk ps-3">
                <code className="min-w-0 grow py-2 text-sm wrap-anywhere">{command}</code>
                <IconButton name="copy" label={t("first.copy")} onClick={() => copy(command)} />
              </span>
            </li>
          ))}
        </ol>
        <p role="status" className="text-sm text-muted">
          {t("first.waiting")}
        </p>
        <Button className="justify-self-start" icon="out" onClick={() => void leave()}>
          {t("settings.signOut")}
        </Button>
      </div>
    </main>
  );
}

import { useQuery, useQueryClient } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { useEffect } from "react";
import { ask, client as api } from "@/shared/api/client";
import { queries } from "@/shared/api/queries";
import type { Events, NamedEvent } from "@/shared/api/types";
import { useT } from "@/shared/i18n/i18n";
import { wallTimeAt } from "@/shared/period/civil";
import { useSession } from "@/shared/session/session";
import { buttonClass, IconButton } from "@/shared/ui/Button";
import { Card, Empty, Panel } from "@/shared/ui/Card";
import { toast } from "@/shared/ui/toast";

/** What a person gave a name: how often, what it usually costs, and each time. */
export function EventsScreen() {
  const t = useT();
  const { usagePoint } = useSession();
  const answer = useQuery(queries.events(usagePoint.id));
  useEffect(() => {
    document.title = `${t("nav.events")} · Corrente`;
  }, [t]);
  const none = ({ events }: Events) =>
    events.length === 0 ? (
      <Empty
        detail={t("events.noneDetail")}
        action={
          <Link to="/historic" search={{ p: "day" }} className={buttonClass()}>
            {t("events.toHistory")}
          </Link>
        }
      >
        {t("events.none")}
      </Empty>
    ) : null;
  return (
    <div className="grid gap-4 rail:gap-6">
      <h1 className="text-2xl font-semibold">{t("events.title")}</h1>
      <Card title={t("events.names")} size="h-48" answer={answer} empty={none}>
        {({ names }) => <Names names={names} />}
      </Card>
      {answer.data && answer.data.events.length > 0 && <Each events={answer.data.events} />}
    </div>
  );
}

function Names({ names }: Pick<Events, "names">) {
  const t = useT();
  const { format } = useSession();
  return (
    <ul className="grid gap-x-8 rail:grid-cols-2">
      {names.map((name) => (
        <li key={name.name} className="flex min-w-0 items-baseline justify-between gap-4 border-b border-hairline py-3">
          <span className="min-w-0">
            <span className="block font-semibold wrap-anywhere">{name.name}</span>
            <span className="block text-sm text-muted">{[t("events.times", { n: name.times }), t("events.last", { time: format.dayTime(name.last) })].join(" · ")}</span>
          </span>
          <span className="tabular flex-none text-end">
            <span className="block text-lg font-semibold">{name.mean_amount === null ? "–" : format.money(name.mean_amount)}</span>
            <span className="block text-sm text-muted">
              {name.times > 1 && name.least_amount !== null ? t("events.least", { amount: format.money(name.least_amount) }) : name.mean_wh === null ? "" : format.energyText(name.mean_wh)}
            </span>
          </span>
        </li>
      ))}
    </ul>
  );
}

function Each({ events }: { events: readonly NamedEvent[] }) {
  const t = useT();
  const client = useQueryClient();
  const { format, usagePoint } = useSession();
  const remove = async (event: NamedEvent) => {
    try {
      await ask(api.DELETE("/api/v1/events/{id}", { params: { path: { id: event.id } } }));
    } catch {
      toast(t("state.failed"), "danger");
    }
    await client.invalidateQueries({ queryKey: ["events"] });
  };
  const seconds = (time: string) => Date.parse(time) / 1000;
  return (
    <Panel title={t("events.each")}>
      <ul>
        {events.map((event) => (
          <li key={event.id} className="flex flex-wrap items-center gap-x-4 gap-y-1 border-b border-hairline py-2.5 last:border-0">
            <Link
              to="/historic"
              search={{ p: "day", from: wallTimeAt(new Date(event.from), usagePoint.zone).slice(0, 10), sel: `${seconds(event.from)}..${seconds(event.to)}` }}
              className="min-w-0 grow basis-40"
            >
              <span className="block font-semibold text-brand wrap-anywhere">{event.name}</span>
              <span className="block text-sm text-muted">{[format.dayTime(event.from), format.duration(event.seconds)].join(" · ")}</span>
            </Link>
            <p className="tabular text-end">
              <span className="block font-semibold">{event.amount === null ? "–" : `${event.at_least ? "≥ " : ""}${format.money(event.amount)}`}</span>
              <span className="block text-sm text-muted">{event.wh === null ? t("quality.missing") : format.energyText(event.wh)}</span>
            </p>
            <IconButton name="trash" label={t("events.remove", { name: event.name })} onClick={() => void remove(event)} />
          </li>
        ))}
      </ul>
    </Panel>
  );
}

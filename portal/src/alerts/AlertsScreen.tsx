import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { useEffect } from "react";
import { ask, client as api } from "@/shared/api/client";
import { queries } from "@/shared/api/queries";
import type { AlertEvent } from "@/shared/api/types";
import { useT } from "@/shared/i18n/i18n";
import { civilDateAt } from "@/shared/period/civil";
import { useSession } from "@/shared/session/session";
import { AlertIcon, AlertSentence } from "@/shared/ui/AlertSentence";
import { Button } from "@/shared/ui/Button";
import { Card, Empty } from "@/shared/ui/Card";
import { Rule } from "./Rule";

export function AlertsScreen() {
  const t = useT();
  const { me, usagePoint, format } = useSession();
  const answer = useQuery(queries.alerts(usagePoint.id, format.locale));
  useEffect(() => {
    document.title = `${t("nav.alerts")} · Corrente`;
  }, [t]);
  return (
    <div className="grid gap-4 rail:gap-6">
      <h1 className="text-2xl font-semibold">{t("nav.alerts")}</h1>
      <div className="grid items-start gap-4 rail:grid-cols-[minmax(0,1fr)_minmax(0,1fr)] rail:gap-6">
        <Card
          title={t("alerts.inbox")}
          size="h-48"
          answer={answer}
          empty={({ events }) => (events.length === 0 ? <Empty detail={t("alerts.noneDetail")}>{t("alerts.none")}</Empty> : null)}
        >
          {({ events }) => <Inbox events={events} />}
        </Card>
        <Card title={t("alerts.rules")} size="h-48" answer={answer} empty={({ rules }) => (rules.length === 0 ? <Empty>{t("alerts.noRules")}</Empty> : null)}>
          {({ rules }) => (
            <>
              <ul>
                {rules.map((rule) => (
                  <Rule key={rule.kind} rule={rule} />
                ))}
              </ul>
              {me.user && (
                <p className="mt-4 text-sm">
                  <Link to="/settings" className="inline-flex min-h-11 items-center pt-2 text-sm font-semibold text-brand">
                    {t("alerts.channels")}
                  </Link>
                </p>
              )}
            </>
          )}
        </Card>
      </div>
    </div>
  );
}

/** By day, the newest first. */
function Inbox({ events }: { events: readonly AlertEvent[] }) {
  const t = useT();
  const { format, usagePoint } = useSession();
  const client = useQueryClient();
  const read = useMutation({
    mutationFn: (id: string) => ask(api.POST("/api/v1/alerts/{id}/read", { params: { path: { id } } })),
    onSuccess: () => {
      void client.invalidateQueries({ queryKey: ["alerts"] });
      void client.invalidateQueries({ queryKey: ["home"] });
    },
  });
  const span = ({ at, until }: AlertEvent) => {
    if (until === null) return t("alerts.since", { time: format.time(at) });
    // What only happens has no end.
    return until === at ? format.time(at) : t("alerts.span", { from: format.time(at), until: format.dayTime(until) });
  };
  const days = Map.groupBy(
    [...events].sort((a, b) => Date.parse(b.at) - Date.parse(a.at)),
    (event) => civilDateAt(new Date(event.at), usagePoint.zone),
  );
  return (
    <>
      {[...days].map(([day, list]) => (
        <section key={day} aria-label={format.civilDay(day)}>
          <h3 className="mt-3 text-sm font-semibold text-muted first-letter:uppercase">{format.civilWeekday(day)}</h3>
          <ul>
            {list.map((event) => (
              <li key={event.id} className="flex gap-3 border-b border-hairline py-3 last:border-0">
                <AlertIcon event={event} />
                <div className="min-w-0 grow">
                  <AlertSentence event={event} />
                  {!event.read && <p className="mt-1 text-muted">{event.words.action}</p>}
                  <div className="mt-1 flex items-center justify-between gap-3">
                    <p className="text-sm text-muted">{span(event)}</p>
                    {!event.read && (
                      <Button small className="flex-none" disabled={read.isPending} onClick={() => read.mutate(event.id)}>
                        {t("alerts.read")}
                      </Button>
                    )}
                  </div>
                </div>
              </li>
            ))}
          </ul>
        </section>
      ))}
    </>
  );
}

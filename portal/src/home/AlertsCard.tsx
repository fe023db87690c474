import { Link } from "@tanstack/react-router";
import { useT } from "@/shared/i18n/i18n";
import { useFormat } from "@/shared/session/session";
import { AlertIcon, AlertSentence } from "@/shared/ui/AlertSentence";
import { Card } from "@/shared/ui/Card";
import { Icon } from "@/shared/ui/icons";
import type { HomeAnswer } from "./answer";

export function AlertsCard({ answer }: { answer: HomeAnswer }) {
  const t = useT();
  const format = useFormat();
  return (
    <Card
      title={t("home.alerts.title")}
      size="h-16"
      answer={answer}
      aside={
        <Link to="/alerts" className="text-sm font-semibold text-brand">
          {t("home.alerts.more")}
        </Link>
      }
    >
      {({ alerts }) =>
        alerts.length === 0 ? (
          <p className="flex items-center gap-3 py-2 text-muted">
            <Icon name="check" size={20} className="text-ok" />
            {t("home.alerts.none")}
          </p>
        ) : (
          <ul>
            {alerts.slice(0, 3).map((event) => (
              <li key={event.id} className="flex gap-3 border-b border-hairline py-3 last:border-0 last:pb-0">
                <AlertIcon event={event} />
                <div className="min-w-0">
                  <AlertSentence event={event} />
                  <p className="text-sm text-muted">{format.dayTime(event.at)}</p>
                </div>
              </li>
            ))}
          </ul>
        )
      }
    </Card>
  );
}

import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { queries } from "@/shared/api/queries";
import { useT } from "@/shared/i18n/i18n";
import { useSession } from "@/shared/session/session";
import { Icon } from "@/shared/ui/icons";

/** The alert that is going on, above everything. */
export function AlertBanner() {
  const t = useT();
  const { usagePoint, format } = useSession();
  const alerts = useQuery(queries.alerts(usagePoint.id, format.locale)).data;
  const active = alerts?.events.find((event) => event.state === "active");
  if (!active) return null;
  const { title, sentence } = active.words;
  return (
    <aside className="banner" aria-label={t("history.alert")}>
      <Icon name="warning" className="flex-none text-danger" />
      <p className="min-w-0 grow">
        <span className="font-semibold">{title}.</span> {sentence}
      </p>
      <Link to="/alerts" className="flex min-h-11 flex-none items-center text-sm font-semibold text-brand">
        {t("history.alertMore")}
      </Link>
    </aside>
  );
}

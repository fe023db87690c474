import { useQuery } from "@tanstack/react-query";
import { useEffect } from "react";
import { queries } from "@/shared/api/queries";
import { useT } from "@/shared/i18n/i18n";
import { useSession } from "@/shared/session/session";
import { Skeleton } from "@/shared/ui/Card";
import { AlertsCard } from "./AlertsCard";
import { BillCard } from "./BillCard";
import { LastInvoiceCard } from "./LastInvoiceCard";
import { NowCard } from "./NowCard";
import { TodayCard } from "./TodayCard";

export function HomeScreen() {
  const t = useT();
  const { usagePoint, today, format } = useSession();
  const answer = useQuery(queries.home(usagePoint.id, format.locale));
  useEffect(() => {
    document.title = `${t("nav.home")} · Corrente`;
  }, [t]);
  const due = answer.data?.last_invoice;
  // A bill that is due within five days, or overdue, comes first.
  const urgent = due?.state === "open" && Date.parse(due.due) - Date.parse(today) <= 5 * 86_400_000;
  const last = <LastInvoiceCard answer={answer} />;
  // Before the answer nothing stands that the answer would push aside: a bill that is due comes first.
  if (answer.data === undefined && !answer.error) {
    return (
      <>
        <h1 className="sr-only">{t("nav.home")}</h1>
        <div aria-busy="true" className="grid gap-4 rail:grid-cols-2 rail:gap-6">
          {["h-72", "h-80"].map((size) => (
            <div key={size} className="card">
              <Skeleton size={size} />
            </div>
          ))}
        </div>
      </>
    );
  }
  return (
    <>
      <h1 className="sr-only">{t("nav.home")}</h1>
      <div className="grid items-start gap-4 rail:grid-cols-2 rail:gap-6">
        <div className="grid min-w-0 gap-4 rail:gap-6">
          {urgent && <div className="rail:hidden">{last}</div>}
          <NowCard answer={answer} />
          <BillCard answer={answer} />
        </div>
        <div className="grid min-w-0 gap-4 rail:gap-6">
          {urgent && <div className="hidden rail:block">{last}</div>}
          <TodayCard answer={answer} />
          <AlertsCard answer={answer} />
          {!urgent && last}
        </div>
      </div>
    </>
  );
}

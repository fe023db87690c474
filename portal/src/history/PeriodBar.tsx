import { useI18n } from "@/shared/i18n/i18n";
import { addDays, isCivilDate } from "@/shared/period/civil";
import { holds, periodKinds, step, type BillPeriod } from "@/shared/period/period";
import { useSession } from "@/shared/session/session";
import { IconButton } from "@/shared/ui/Button";
import { Segmented, Select } from "@/shared/ui/Choice";
import { copyText } from "@/shared/ui/copy";
import { Icon } from "@/shared/ui/icons";
import { Menu } from "@/shared/ui/Menu";
import { toast } from "@/shared/ui/toast";
import type { Change } from "./HistoryScreen";
import { csvAddress } from "./csv";
import type { View } from "./view";
import { label } from "./words";

const earlier = (a: string, b: string) => (a < b ? a : b);
const later = (a: string, b: string) => (a > b ? a : b);

export function PeriodBar({ view, bills, change }: { view: View; bills: readonly BillPeriod[]; change: Change }) {
  const { t, locale } = useI18n();
  const { usagePoint, today, format, me } = useSession();
  const { period } = view;
  const kinds = periodKinds.filter((kind) => kind !== "bill" || me.lab_id === null || bills.length > 0);
  const before = step(period, -1, locale, bills);
  const after = step(period, 1, locale, bills);
  const go = (next: { from: string; to: string }) =>
    change({ from: holds({ ...period, ...next }, today) && period.kind !== "custom" ? undefined : next.from, to: period.kind === "custom" ? next.to : undefined, sel: undefined });
  const earliest = usagePoint.first_reading?.slice(0, 10);
  // The other end gives way, so that there is always a stretch; the address is made valid where it is read.
  const choose = (which: "first" | "last", date: string) => {
    if (!isCivilDate(date)) return;
    const until = which === "first" ? later(period.to, addDays(date, 1)) : addDays(date, 1);
    const from = which === "first" ? date : earlier(period.from, date);
    change({ p: "custom", from, to: until, sel: undefined });
  };
  return (
    <div className="no-print grid gap-3">
      <Segmented
        className="w-full flex-wrap sm:w-auto sm:justify-self-start"
        label={t("history.period")}
        choices={kinds.map((kind) => ({ value: kind, label: t(`period.${kind}`) }))}
        value={period.kind}
        onChange={(kind) =>
          change(
            kind === "custom"
              ? { p: kind, from: period.from, to: earlier(period.to, addDays(today, 1)), sel: undefined }
              : { p: kind, from: view.relative ? undefined : period.from, to: undefined, sel: undefined },
          )
        }
      />
      {period.kind === "custom" && (
        <div className="flex flex-wrap gap-3">
          {(["first", "last"] as const).map((which) => (
            <label key={which} className="field">
              <span className="text-sm text-muted">{t(`history.${which}`)}</span>
              <input
                type="date"
                className="input !min-h-10 !px-2 text-sm"
                required
                min={earliest}
                max={today}
                value={which === "first" ? period.from : addDays(period.to, -1)}
                onChange={(event) => choose(which, event.target.value)}
              />
            </label>
          ))}
        </div>
      )}
      <div className="flex flex-wrap items-center gap-x-2 gap-y-2">
        <div
          role="group"
          aria-label={t("history.step")}
          className="-ms-2 flex min-w-0 items-center max-sm:flex-1 max-sm:basis-0"
          onKeyDown={(event) => {
            if (event.key === "ArrowLeft") go(before);
            if (event.key === "ArrowRight" && after.from <= today) go(after);
          }}
        >
          <IconButton name="left" label={t("history.previous")} disabled={earliest !== undefined && before.to <= earliest} onClick={() => go(before)} />
          <p className="min-w-0 px-1 text-center leading-tight max-sm:grow sm:min-w-36 font-semibold first-letter:uppercase" aria-live="polite">
            {label(period, t, format)}
          </p>
          <IconButton name="right" label={t("history.next")} disabled={after.from > today} onClick={() => go(after)} />
        </div>
        <div className="sm:order-last">
          <Menu label={t("history.more")}>
            <a href={csvAddress(usagePoint, period)} download>
              <Icon name="download" size={20} />
              {t("chart.csv")}
            </a>
            <button type="button" onClick={() => window.print()}>
              <Icon name="print" size={20} />
              {t("history.print")}
            </button>
            <button
              type="button"
              onClick={() => void copyText(window.location.href).then((done) => toast(t(done ? "history.linkCopied" : "copy.failed")))}
            >
              <Icon name="link" size={20} />
              {t("history.copyLink")}
            </button>
          </Menu>
        </div>
        <div className="flex min-w-0 grow items-center gap-2 max-sm:basis-full sm:justify-end">
          <Segmented
            label={t("history.unit")}
            choices={[
              { value: "money", label: format.currencySign },
              { value: "kwh", label: "kWh" },
            ]}
            value={view.unit}
            onChange={(u) => change({ u })}
          />
          <Select
            label={t("history.compare")}
            hideLabel
            className="min-w-0 grow sm:max-w-52"
            choices={[
              { value: "expected", label: t("compare.expected") },
              { value: "prev", label: t("compare.prev") },
              { value: "year", label: t("compare.year") },
              { value: "none", label: t("compare.none") },
            ]}
            value={view.compare}
            onChange={(cmp) => change({ cmp })}
          />
        </div>
      </div>
    </div>
  );
}

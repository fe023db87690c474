import type { Now } from "@/shared/api/types";
import { useT } from "@/shared/i18n/i18n";
import { wallTimeAt } from "@/shared/period/civil";
import { useSession } from "@/shared/session/session";
import { periodName } from "./periodName";

const levels = { off_peak: "chip-off-peak", shoulder: "chip-shoulder", peak: "chip-peak" } as const;

/** "Off-peak until 17:00", with the colour of the period. */
export function PeriodChip({ period }: { period: NonNullable<Now["period"]> }) {
  const t = useT();
  const { format, usagePoint, today } = useSession();
  const name = periodName(t, period.name);
  const soon = period.until !== null && wallTimeAt(new Date(period.until), usagePoint.zone).startsWith(today);
  const until = period.until === null ? null : soon ? format.time(period.until) : format.weekdayTime(period.until);
  return <span className={`chip ${levels[period.level as keyof typeof levels] ?? levels.off_peak}`}>{until === null ? name : t("tariff.until", { period: name, time: until })}</span>;
}

import { midnight } from "@/shared/period/civil";
import { chartStep, type Period } from "@/shared/period/period";

/** The address of what is on the screen, as a file. */
export function csvAddress(usagePoint: { id: string; zone: string }, period: Period): string {
  const query = new URLSearchParams({
    from: midnight(period.from, usagePoint.zone).toISOString(),
    to: midnight(period.to, usagePoint.zone).toISOString(),
    step: chartStep(period),
  });
  return `/api/v1/usage-points/${encodeURIComponent(usagePoint.id)}/usage.csv?${query}`;
}

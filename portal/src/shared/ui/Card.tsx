import { useEffect, useId, useState, type ReactNode } from "react";
import { ApiError } from "@/shared/api/client";
import { useT } from "@/shared/i18n/i18n";
import { Button } from "./Button";
import { cx } from "./cx";

interface Answer<T> {
  data: T | undefined;
  error: Error | null;
  isFetching: boolean;
  isPlaceholderData?: boolean;
  refetch: () => unknown;
}

interface CardProps<T> {
  title: ReactNode;
  aside?: ReactNode;
  /** The answer that fills the card; every card knows its five states from it. */
  answer: Answer<T>;
  /** What a normal card without data says; null where there is data. */
  empty?: (data: T) => ReactNode | null;
  /** A strip with the age or the quality of what is shown. */
  strip?: (data: T) => ReactNode | null;
  /** A class with the final height, so that nothing jumps when the data comes. */
  size?: string;
  className?: string;
  children: (data: T) => ReactNode;
}

/** A card that is loading, empty, failed, partial or filled, and never confuses them. */
export function Card<T>({ title, aside, answer, empty, strip, size, className, children }: CardProps<T>) {
  const id = useId();
  const { data, error } = answer;
  const nothing = data === undefined ? null : (empty?.(data) ?? null);
  const note = data === undefined || nothing !== null ? null : (strip?.(data) ?? null);
  return (
    <section
      aria-labelledby={id}
      aria-busy={data === undefined && !error}
      className={cx("card flex min-w-0 flex-col", className)}
    >
      <header className="flex min-h-8 items-center justify-between gap-3">
        <h2 id={id} className="text-sm font-semibold text-muted">
          {title}
        </h2>
        {data !== undefined && nothing === null && aside}
      </header>
      {error && <Failure error={error} retry={answer.refetch} stale={data !== undefined} />}
      {data === undefined ? (
        !error && <Skeleton size={size} />
      ) : (
        <div className={cx("min-w-0 grow", (error || answer.isPlaceholderData) && "opacity-60 transition-opacity")}>
          {nothing ?? children(data)}
        </div>
      )}
      {note && <p className="strip mt-4">{note}</p>}
    </section>
  );
}

/** A card whose content is at hand. */
export function Panel({
  title,
  aside,
  className,
  children,
}: {
  title?: ReactNode;
  aside?: ReactNode;
  className?: string;
  children: ReactNode;
}) {
  const id = useId();
  return (
    <section aria-labelledby={title ? id : undefined} className={cx("card min-w-0", className)}>
      {title && (
        <header className="mb-1 flex min-h-8 items-center justify-between gap-3">
          <h2 id={id} className="text-sm font-semibold text-muted">
            {title}
          </h2>
          {aside}
        </header>
      )}
      {children}
    </section>
  );
}

/** Grey shapes of the final size, shown only when the answer takes longer than a blink. */
export function Skeleton({ size = "h-40" }: { size?: string }) {
  const [visible, setVisible] = useState(false);
  useEffect(() => {
    const timer = setTimeout(() => setVisible(true), 150);
    return () => clearTimeout(timer);
  }, []);
  return (
    <div className={cx("mt-2 flex flex-col gap-4", size, !visible && "invisible")} aria-hidden="true">
      <div className="skeleton h-12 w-2/5" />
      <div className="skeleton min-h-0 w-full grow" />
      <div className="skeleton h-4 w-3/5" />
    </div>
  );
}

export function Failure({ error, retry, stale }: { error: Error; retry: () => unknown; stale: boolean }) {
  const t = useT();
  const code = error instanceof ApiError ? error.support : "E-NET";
  return (
    <div role="alert" className="strip mb-3 mt-2 flex flex-wrap items-center justify-between gap-2">
      <span>
        {stale ? t("state.failedStale") : t("state.failed")} <span className="whitespace-nowrap text-muted">{code}</span>
      </span>
      <Button small onClick={() => void retry()}>
        {t("state.retry")}
      </Button>
    </div>
  );
}

/** The normal emptiness of a card: a small drawing, a sentence, the time at which data will come. */
export function Empty({ children, detail, action }: { children: ReactNode; detail?: ReactNode; action?: ReactNode }) {
  return (
    <div className="flex flex-col items-start gap-3 py-6">
      <svg aria-hidden="true" width="120" height="40" viewBox="0 0 120 40" fill="none">
        <rect x="0" y="17" width="120" height="6" rx="3" className="fill-sunk" />
        <rect x="0" y="17" width="18" height="6" rx="3" className="fill-brand" />
        <path d="M60 9v22" className="stroke-past" strokeWidth="2" strokeLinecap="round" strokeDasharray="2 4" />
      </svg>
      <p className="max-w-prose">{children}</p>
      {detail && <p className="max-w-prose text-sm text-muted">{detail}</p>}
      {action}
    </div>
  );
}

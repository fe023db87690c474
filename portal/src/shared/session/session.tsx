import { createContext, use, useMemo, type ReactNode } from "react";
import type { Me, Options, UsagePoint } from "@/shared/api/types";
import { createFormat, type Format } from "@/shared/format/format";
import { useI18n } from "@/shared/i18n/i18n";
import { civilDateAt } from "@/shared/period/civil";
import { createClock, type Clock } from "./clock";

export interface Session {
  me: Me;
  options: Options;
  usagePoint: UsagePoint;
  clock: Clock;
  format: Format;
  /** The civil date of the usage point now. */
  today: string;
}

const Context = createContext<Session | null>(null);

interface ProviderProps {
  me: Me;
  options: Options;
  usagePoint: UsagePoint;
  children: ReactNode;
}

export function SessionProvider({ me, options, usagePoint, children }: ProviderProps) {
  const { locale } = useI18n();
  const clock = useMemo(() => createClock(me.now, options.time_factor), [me.now, options.time_factor]);
  const value = useMemo(
    () => ({
      me,
      options,
      usagePoint,
      clock,
      format: createFormat(locale, usagePoint.zone, usagePoint.currency),
      today: civilDateAt(clock.now(), usagePoint.zone),
    }),
    [me, options, usagePoint, clock, locale],
  );
  return <Context value={value}>{children}</Context>;
}

export function useSession(): Session {
  const value = use(Context);
  if (!value) throw new Error("useSession outside of SessionProvider");
  return value;
}

export function useFormat(): Format {
  return useSession().format;
}

import type { AlertEvent } from "@/shared/api/types";
import { toPosition } from "@/shared/format/decimal";
import type { Format } from "@/shared/format/format";
import { useT, type Translate } from "@/shared/i18n/i18n";
import { useFormat } from "@/shared/session/session";

/** The kinds that have words of their own; a newer server's kind still says something. */
export const alertKinds = [
  "excessive_consumption",
  "bill_jump",
  "bill_jump_year",
  "forecast_over_budget",
  "always_on",
  "unusual_day",
  "meter_silent",
  "invoice_issued",
  "invoice_due",
  "invoice_overdue",
  "invoice_paid",
] as const;

/** The causes of a different bill that have words. */
const alertCauses = ["use", "days", "mix", "price", "flag", "taxes", "estimate", "fixed", "demand", "discount", "minimum", "credits", "lighting", "other"] as const;

export type AlertKind = (typeof alertKinds)[number];

export function alertKind(kind: string): AlertKind | null {
  return alertKinds.find((known) => known === kind) ?? null;
}

/** A title and a sentence, with every figure of the event written in the reader's locale. */
export function alertWords({ kind: word, values, state }: Pick<AlertEvent, "kind" | "values" | "state">, t: Translate, format: Format): { title: string; sentence: string } {
  const kind = alertKind(word);
  if (!kind) return { title: t("alert.other.title"), sentence: word };
  const figure = (name: string, write: (text: string) => string) => {
    const text = values[name];
    return text === undefined || text === "" ? "–" : write(text);
  };
  const money = (name: string) => figure(name, (text) => format.money(text, values["currency"]));
  const date = (name: string) => figure(name, (text) => (/^\d{4}-\d{2}-\d{2}$/.test(text) ? format.civilDay(text) : text));
  // A rule about consumption says in which unit it looks.
  const unit = (name: string) => {
    if (values["unit"] === "money") return money(name);
    if (values["unit"] === "w") return figure(name, (text) => format.powerText(toPosition(text)));
    return figure(name, (text) => format.energyText(Math.round(toPosition(text) * 1000)));
  };
  const watts = (name: string) => figure(name, (text) => format.powerText(toPosition(text)));
  const cause = alertCauses.find((known) => known === values["cause"]);
  // Without an end it began, or became worse; what happens once has neither.
  const moment = state === "over" ? "over" : (values["moment"] ?? "started");
  const because = cause ? ` ${t("alert.cause", { cause: t(`invoice.cause.${cause}`), amount: money("cause_amount") })}` : "";
  const sentence = t(`alert.${kind}.sentence`, {
    used: unit("value"),
    limit: unit("limit"),
    // Power is of a moment, over whatever stretch the rule was set.
    per: values["unit"] === "w" ? "moment" : (values["per"] ?? "bill"),
    projected: values["projected"] ? money("projected") : money("value"),
    previous: money("previous"),
    budget: money("limit"),
    // Of a bill the likely rise, of anything else what was measured.
    percent: figure(values["percent"] === undefined ? "value" : "percent", format.percent),
    watts: watts("watts"),
    before: watts("watts_before"),
    day: date("subject"),
    minutes: figure("value", (text) => format.decimal(text, 0)),
    number: values["number"] ?? "–",
    amount: money("amount"),
    due: date("due"),
  });
  return { title: t(`alert.${kind}.title`, { moment }), sentence: sentence + because };
}

export function AlertSentence({ event }: { event: AlertEvent }) {
  const t = useT();
  const { title, sentence } = alertWords(event, t, useFormat());
  return (
    <>
      <p className="font-semibold">{title}</p>
      <p>{sentence}</p>
    </>
  );
}

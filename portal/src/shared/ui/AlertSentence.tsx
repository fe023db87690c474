import type { AlertEvent } from "@/shared/api/types";
import type { Format } from "@/shared/format/format";
import { useT, type Key, type Translate } from "@/shared/i18n/i18n";
import { useFormat } from "@/shared/session/session";

/** The kinds that have words of their own; a newer server's kind still says something. */
const known = ["excessive_consumption", "bill_jump"] as const;

const text = (value: unknown) => (typeof value === "string" || typeof value === "number" ? String(value) : null);

/** Every figure of an event under the name the sentences use. */
export function alertWords(event: Pick<AlertEvent, "kind" | "values">, t: Translate, format: Format): { title: string; sentence: string } {
  const { values } = event;
  const energy = (name: string) => (typeof values[name] === "number" ? format.energyText(values[name]) : "–");
  const money = (name: string) => {
    const amount = text(values[name]);
    return amount !== null && /^-?[\d.]+$/.test(amount) ? format.money(amount) : "–";
  };
  const percent = text(values["percent"]);
  const kind = known.find((name) => name === event.kind);
  if (!kind) return { title: t("alert.other.title"), sentence: text(values["sentence"]) ?? event.kind };
  const args = {
    used: energy("wh"),
    limit: energy("limit_wh"),
    projected: money("projected_amount"),
    previous: money("previous_amount"),
    percent: percent === null ? "–" : format.percent(percent),
  };
  return { title: t(`alert.${kind}.title` as Key), sentence: t(`alert.${kind}.sentence` as Key, args) };
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

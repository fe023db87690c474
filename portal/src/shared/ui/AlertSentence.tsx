import { Link } from "@tanstack/react-router";
import type { AlertEvent } from "@/shared/api/types";
import { Icon } from "./icons";

/** A warning while it lasts, a check once it is back to normal or read, and a bell for the news in between. */
export function AlertIcon({ event: { state, read, values } }: { event: AlertEvent }) {
  if (state === "active") return <Icon name="warning" size={20} className="mt-0.5 flex-none text-danger" />;
  return <Icon name={read || values["moment"] === "over" ? "check" : "bell"} size={20} className="mt-0.5 flex-none text-muted" />;
}

export function AlertSentence({ event: { words } }: { event: AlertEvent }) {
  return (
    <>
      <p className="font-semibold">
        <More path={words.path}>{words.title}</More>
      </p>
      <p>{words.sentence}</p>
    </>
  );
}

/** The page that shows more, as messages link to it. */
function More({ path, children }: { path: string; children: string }) {
  const { pathname, searchParams } = new URL(path, location.origin);
  return (
    <Link to={pathname} search={Object.fromEntries(searchParams)} className="text-brand">
      {children}
    </Link>
  );
}

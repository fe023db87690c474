import { useSyncExternalStore } from "react";
import { cx } from "./cx";

interface Note {
  id: number;
  text: string;
  kind: "plain" | "danger";
}

let notes: readonly Note[] = [];
let last = 0;
const watchers = new Set<() => void>();

function change(next: readonly Note[]) {
  notes = next;
  for (const watch of watchers) watch();
}

/** Says something that needs no answer, for some seconds. */
export function toast(text: string, kind: Note["kind"] = "plain") {
  last += 1;
  const id = last;
  change([...notes.filter((note) => note.text !== text), { id, text, kind }]);
  setTimeout(() => change(notes.filter((note) => note.id !== id)), 6000);
}

export function Toasts() {
  const shown = useSyncExternalStore(
    (watch) => {
      watchers.add(watch);
      return () => watchers.delete(watch);
    },
    () => notes,
  );
  return (
    <div className="toasts" role="status" aria-live="polite">
      {shown.map((note) => (
        <p key={note.id} className={cx("toast", note.kind === "danger" && "toast-danger")}>
          {note.text}
        </p>
      ))}
    </div>
  );
}

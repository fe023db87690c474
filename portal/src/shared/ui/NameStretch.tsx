import { useQueryClient } from "@tanstack/react-query";
import { useState, type FormEvent } from "react";
import { ApiError, ask, client as api } from "@/shared/api/client";
import { useT } from "@/shared/i18n/i18n";
import { useSession } from "@/shared/session/session";
import { Button, IconButton } from "./Button";
import { toast } from "./toast";

/** Gives a stretch a name, so that it stays among the events. */
export function NameStretch({ from, to, suggestion = "" }: { from: Date; to: Date; suggestion?: string }) {
  const t = useT();
  const client = useQueryClient();
  const { usagePoint } = useSession();
  const [open, setOpen] = useState(false);
  const [problem, setProblem] = useState<string | null>(null);
  if (!open) {
    return (
      <Button small icon="tag" onClick={() => setOpen(true)}>
        {t("selection.name")}
      </Button>
    );
  }
  const save = async (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault();
    const name = String(new FormData(event.currentTarget).get("name"));
    setProblem(null);
    try {
      await ask(api.POST("/api/v1/usage-points/{id}/events", { params: { path: { id: usagePoint.id } }, body: { name, from: from.toISOString(), to: to.toISOString() } }));
      await client.invalidateQueries({ queryKey: ["events"] });
      setOpen(false);
      toast(t("selection.saved"));
    } catch (error) {
      setProblem(error instanceof ApiError ? error.detail : t("state.unreachable"));
    }
  };
  return (
    <form onSubmit={(event) => void save(event)} className="flex min-w-0 flex-wrap items-center gap-2">
      <label className="min-w-0">
        <span className="sr-only">{t("selection.nameLabel")}</span>
        {/* The button that was pressed is gone: what it opened takes the focus. */}
        <input className="input !min-h-10 w-44 text-sm" name="name" defaultValue={suggestion} placeholder={t("selection.nameLabel")} maxLength={60} required autoFocus />
      </label>
      <Button small kind="primary" type="submit">
        {t("selection.save")}
      </Button>
      <IconButton name="close" label={t("selection.cancel")} onClick={() => setOpen(false)} />
      {problem && (
        <p role="alert" className="basis-full text-sm font-semibold text-danger">
          {problem}
        </p>
      )}
    </form>
  );
}

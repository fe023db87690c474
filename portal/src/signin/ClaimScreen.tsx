import { useState, type FormEvent } from "react";
import { ApiError, ask, client } from "@/shared/api/client";
import type { Me } from "@/shared/api/types";
import { useT } from "@/shared/i18n/i18n";
import { Button } from "@/shared/ui/Button";
import { Frame } from "./Frame";

interface ClaimProps {
  code: string;
  /** It is the first administrator who comes, by the link on the server's terminal. */
  first: boolean;
  onSignedIn: (me: Me) => void;
  onBack: () => void;
}

/** A one-time code, from a letter or a link, becomes a password of one's own. */
export function ClaimScreen({ code, first, onSignedIn, onBack }: ClaimProps) {
  const t = useT();
  const [busy, setBusy] = useState(false);
  const [problem, setProblem] = useState<string | null>(null);
  const submit = async (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault();
    const data = new FormData(event.currentTarget);
    setBusy(true);
    setProblem(null);
    try {
      onSignedIn(await ask(client.POST("/api/v1/claim", { body: { code: String(data.get("code")).trim(), password: String(data.get("password")) } })));
    } catch (error) {
      if (!(error instanceof ApiError)) setProblem(t("state.unreachable"));
      else setProblem(error.code === "invalid_code" ? t("claim.refused") : error.detail);
    } finally {
      setBusy(false);
    }
  };
  return (
    <Frame>
      <form onSubmit={(event) => void submit(event)} className="card grid gap-4 rail:p-8">
        <h1 className="text-xl font-semibold">{t("claim.title")}</h1>
        <p className="text-muted">{t(first && code !== "" ? "claim.first" : "claim.how")}</p>
        <label className="field">
          <span className="field-label">{t("claim.code")}</span>
          <input className="input tabular" name="code" autoComplete="one-time-code" defaultValue={code} required />
        </label>
        <label className="field">
          <span className="field-label">{t("claim.password")}</span>
          <input className="input" name="password" type="password" autoComplete="new-password" required />
        </label>
        {problem && (
          <p role="alert" className="text-sm font-semibold text-danger">
            {problem}
          </p>
        )}
        <Button kind="primary" type="submit" disabled={busy}>
          {t("claim.submit")}
        </Button>
        <button type="button" className="min-h-11 justify-self-start text-sm font-semibold text-brand" onClick={onBack}>
          {t("claim.back")}
        </button>
      </form>
    </Frame>
  );
}

import { useState, type FormEvent } from "react";
import { ApiError, ask, client } from "@/shared/api/client";
import type { Me, Options } from "@/shared/api/types";
import { useT } from "@/shared/i18n/i18n";
import { Button } from "@/shared/ui/Button";
import { Icon } from "@/shared/ui/icons";
import { toast } from "@/shared/ui/toast";
import { Frame } from "./Frame";

interface SigninProps {
  options: Options;
  /** The session ended by itself, on a page that comes back after signing in. */
  ended: boolean;
  onSignedIn: (me: Me) => void;
  /** A person has a code instead of a password. */
  onClaim: () => void;
}

export function SigninScreen({ options, ended, onSignedIn, onClaim }: SigninProps) {
  const t = useT();
  const [busy, setBusy] = useState(false);
  const [problem, setProblem] = useState<string | null>(null);

  const attempt = async (request: Promise<Me>, explain: (error: ApiError) => string | null) => {
    setBusy(true);
    setProblem(null);
    try {
      onSignedIn(await request);
    } catch (error) {
      setProblem(error instanceof ApiError ? explain(error) : t("state.unreachable"));
    } finally {
      setBusy(false);
    }
  };
  const signIn = (email: string, password: string) =>
    attempt(ask(client.POST("/api/v1/session", { body: { email, password } })), (error) => {
      if (error.status === 429) return t("signin.tooMany");
      return error.status < 500 ? t("signin.refused") : t("state.failed");
    });
  const identify = (id: string) =>
    attempt(ask(client.POST("/api/v1/session/lab", { body: { id } })), (error) => {
      if (error.code === "unknown_measurer" || error.status === 404) {
        toast(t("signin.unknownMeter"), "danger");
        return null;
      }
      return error.detail;
    });

  const submit = (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault();
    const data = new FormData(event.currentTarget);
    void signIn(String(data.get("email")), String(data.get("password")));
  };
  const submitLab = (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault();
    void identify(String(new FormData(event.currentTarget).get("identification")).trim());
  };

  return (
    <Frame>
        {ended && <p className="strip">{t("signin.ended")}</p>}
        {options.lab && <p className="strip">{t("shell.labOn")}</p>}
        {options.first_steps && (
          <section className="card grid gap-2">
            <h2 className="text-lg font-semibold">{t("signin.firstSteps")}</h2>
            <p className="text-muted">{t("signin.firstStepsDetail")}</p>
          </section>
        )}
        <form onSubmit={submit} className="card grid gap-4 rail:p-8">
          <h1 className="text-xl font-semibold">{t("signin.title")}</h1>
          <label className="field">
            <span className="field-label">{t("signin.email")}</span>
            <input className="input" name="email" type="email" autoComplete="username" required />
          </label>
          <label className="field">
            <span className="field-label">{t("signin.password")}</span>
            <input className="input" name="password" type="password" autoComplete="current-password" required />
          </label>
          {problem && (
            <p role="alert" className="text-sm font-semibold text-danger">
              {problem}
            </p>
          )}
          <Button kind="primary" type="submit" disabled={busy}>
            {t("signin.submit")}
          </Button>
          <button type="button" className="min-h-11 justify-self-start text-sm font-semibold text-brand" onClick={onClaim}>
            {t("signin.haveCode")}
          </button>
        </form>

        {options.demo_accounts.length > 0 && (
          <section className="card py-4" aria-labelledby="demo-accounts">
            <h2 id="demo-accounts" className="text-sm font-semibold text-muted">
              {t("signin.demo")}
            </h2>
            <ul className="mt-1">
              {options.demo_accounts.map((account) => (
                <li key={account.email} className="border-b border-hairline last:border-0">
                  <button
                    type="button"
                    disabled={busy}
                    className="group flex min-h-14 w-full items-center gap-3 py-2 text-start"
                    onClick={() => void signIn(account.email, account.password)}
                  >
                    <span aria-hidden="true" className="grid size-9 flex-none place-items-center rounded-full bg-brand-soft text-sm font-semibold text-brand">
                      {account.name.slice(0, 1)}
                    </span>
                    <span className="min-w-0 grow leading-snug">
                      <span className="block font-semibold">{account.name}</span>
                      <span className="block text-sm text-muted">{account.note}</span>
                    </span>
                    <Icon name="right" size={18} className="flex-none text-muted group-hover:text-brand" />
                  </button>
                </li>
              ))}
            </ul>
          </section>
        )}

        {options.lab && (
          <form onSubmit={submitLab} className="card grid gap-3 py-4">
            <h2 className="text-sm font-semibold text-muted">{t("signin.lab")}</h2>
            <div className="flex flex-wrap items-end gap-3">
              <label className="field grow basis-40">
                <span className="field-label">{t("signin.identification")}</span>
                <input className="input" name="identification" inputMode="text" autoComplete="off" required />
              </label>
              <Button type="submit" disabled={busy}>
                {t("signin.login")}
              </Button>
            </div>
            <p className="text-sm text-muted">{t("signin.labNote")}</p>
          </form>
        )}
    </Frame>
  );
}

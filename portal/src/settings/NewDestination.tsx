import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useId, useState, type FormEvent } from "react";
import { ApiError, ask, client as api } from "@/shared/api/client";
import { useT } from "@/shared/i18n/i18n";
import { Button } from "@/shared/ui/Button";
import { Segmented, Select } from "@/shared/ui/Choice";
import { copyText } from "@/shared/ui/copy";
import { toast } from "@/shared/ui/toast";

const types = ["application/json", "application/x-www-form-urlencoded", "text/plain"] as const;
const templates: Record<(typeof types)[number], string> = {
  "application/json": '{"to": "+55…", "message": "{text}"}',
  "application/x-www-form-urlencoded": "To=%2B55…&Body={text}",
  "text/plain": "{text}",
};

/** A webhook, or a gateway for SMS or WhatsApp with a template of its own. */
export function NewDestination({ privateTargets }: { privateTargets: boolean }) {
  const t = useT();
  const client = useQueryClient();
  const problem = useId();
  const [open, setOpen] = useState(false);
  const [kind, setKind] = useState<"webhook" | "gateway">("webhook");
  const [label, setLabel] = useState("");
  const [address, setAddress] = useState("");
  const [type, setType] = useState<(typeof types)[number]>("application/json");
  const [body, setBody] = useState(templates["application/json"]);
  const [header, setHeader] = useState("");
  const [secret, setSecret] = useState<string | null>(null);
  const create = useMutation({
    mutationFn: () => {
      const gateway = { content_type: type, body, ...(header.trim() && { header: header.trim() }) };
      return ask(api.POST("/api/v1/me/destinations", { body: { kind, label, address, ...(kind === "gateway" && { gateway }) } as never }));
    },
    onSuccess: (made) => {
      setSecret(made.secret ?? null);
      setOpen(false);
      setLabel("");
      setAddress("");
      void client.invalidateQueries({ queryKey: ["delivery"] });
    },
  });
  const submit = (event: FormEvent) => {
    event.preventDefault();
    create.mutate();
  };
  const wrong = create.error instanceof ApiError ? create.error : null;
  return (
    <div className="pt-4">
      {secret && (
        <div className="strip mb-4 grid gap-2">
          <p>{t("delivery.secret")}</p>
          <input className="input tabular" readOnly value={secret} aria-label={t("delivery.secretName")} onFocus={(event) => event.target.select()} />
          <Button small className="justify-self-start" onClick={() => void copyText(secret).then((ok) => ok && toast(t("delivery.copied")))}>
            {t("delivery.copy")}
          </Button>
        </div>
      )}
      {!open && (
        <Button icon="plus" onClick={() => setOpen(true)}>
          {t("delivery.add")}
        </Button>
      )}
      {open && (
        <form onSubmit={submit} className="grid gap-4" aria-describedby={wrong ? problem : undefined}>
          <Segmented
            label={t("delivery.kind")}
            choices={(["webhook", "gateway"] as const).map((value) => ({ value, label: t(`delivery.kind.${value}`) }))}
            value={kind}
            onChange={setKind}
          />
          <p className="text-sm text-muted">{t(`delivery.kind.${kind}Detail`)}</p>
          <label className="field">
            <span className="field-label">{t("delivery.label")}</span>
            <input className="input" required maxLength={80} value={label} onChange={(event) => setLabel(event.target.value)} aria-invalid={wrong?.field === "label" || undefined} />
          </label>
          <label className="field">
            <span className="field-label">{t("delivery.address")}</span>
            <input
              className="input"
              required
              type="url"
              inputMode="url"
              placeholder={privateTargets ? "http://localhost:8080/" : "https://example.org/"}
              value={address}
              onChange={(event) => setAddress(event.target.value)}
              aria-invalid={wrong?.field === "address" || undefined}
            />
          </label>
          {kind === "gateway" && (
            <>
              <Select
                label={t("delivery.type")}
                choices={types.map((value) => ({ value, label: value }))}
                value={type}
                onChange={(next) => {
                  if (body === templates[type]) setBody(templates[next]);
                  setType(next);
                }}
              />
              <label className="field">
                <span className="field-label">{t("delivery.body")}</span>
                <textarea className="input min-h-24 py-3 font-mono text-sm" value={body} onChange={(event) => setBody(event.target.value)} spellCheck={false} aria-invalid={wrong?.field === "gateway" || undefined} />
                <span className="text-sm text-muted">{t("delivery.bodyDetail", { names: "{title} {sentence} {action} {link} {text}" })}</span>
              </label>
              <label className="field">
                <span className="field-label">{t("delivery.header")}</span>
                <input className="input" value={header} placeholder="authorization: Bearer …" onChange={(event) => setHeader(event.target.value)} autoComplete="off" />
              </label>
            </>
          )}
          {create.error && (
            <p id={problem} role="alert" className="text-sm font-semibold text-danger">
              {wrong ? wrong.detail : t("state.failed")}
            </p>
          )}
          <div className="flex flex-wrap gap-3">
            <Button type="submit" kind="primary" disabled={create.isPending}>
              {t("delivery.create")}
            </Button>
            <Button kind="plain" onClick={() => setOpen(false)}>
              {t("delivery.cancel")}
            </Button>
          </div>
        </form>
      )}
    </div>
  );
}

import { useState } from "react";
import type { Invoice } from "@/shared/api/types";
import { useT } from "@/shared/i18n/i18n";
import { useSession } from "@/shared/session/session";
import { Button } from "@/shared/ui/Button";
import { copyText } from "@/shared/ui/copy";
import { toast } from "@/shared/ui/toast";

/** Copying is the main way on a phone, where nobody scans the own screen; the picture is, on a desktop and on paper. */
export function Pix({ invoice, pix }: { invoice: Invoice; pix: NonNullable<Invoice["pix"]> }) {
  const t = useT();
  const { format } = useSession();
  const [copied, setCopied] = useState(false);
  const copy = async () => {
    const done = await copyText(pix.payload);
    setCopied(done);
    toast(t(done ? "pix.copied" : "copy.failed"));
    if (done) setTimeout(() => setCopied(false), 4000);
  };
  return (
    <div className="flex min-w-0 flex-col gap-4 rail:row-span-2 rail:w-72 print:row-span-2 print:w-72">
      {/* White in both themes, with a quiet zone: a camera needs both. */}
      <div className="order-2 self-center rounded-2xl border border-hairline bg-white p-2 rail:order-1 print:order-1">
        <img src={`/api/v1/invoices/${encodeURIComponent(invoice.id)}/pix.svg`} alt={t("pix.picture", { amount: format.money(pix.amount, "BRL") })} width={240} height={240} />
      </div>
      <Button kind="primary" icon={copied ? "check" : "copy"} className="no-print order-1 rail:order-2" onClick={() => void copy()}>
        {t(copied ? "pix.done" : "pix.copy")}
      </Button>
      <label className="field order-3">
        <span className="text-sm text-muted">{t("pix.code")}</span>
        <input className="input no-print truncate text-sm" readOnly value={pix.payload} onFocus={(event) => event.target.select()} />
        <span className="hidden break-all text-[0.625rem] print:block">{pix.payload}</span>
      </label>
      <p className="order-4 text-sm">
        {t("pix.steps")}
        <span className="mt-2 block text-muted">
          {t("pix.payee", { name: pix.payee, city: pix.city })}
          {pix.txid && (
            <>
              <br />
              {t("pix.txid", { txid: pix.txid })}
            </>
          )}
        </span>
      </p>
    </div>
  );
}

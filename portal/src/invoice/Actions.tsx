import { ask, client as api } from "@/shared/api/client";
import type { Invoice } from "@/shared/api/types";
import { useI18n } from "@/shared/i18n/i18n";
import { useSession } from "@/shared/session/session";
import { buttonClass } from "@/shared/ui/Button";
import { copyText } from "@/shared/ui/copy";
import { Icon } from "@/shared/ui/icons";
import { Menu } from "@/shared/ui/Menu";
import { toast } from "@/shared/ui/toast";

/** What can be done with a bill beside paying it. */
export function Actions({ invoice }: { invoice: Invoice }) {
  const { t, locale } = useI18n();
  const { format, me } = useSession();
  const address = `/api/v1/invoices/${encodeURIComponent(invoice.id)}`;
  const share = async () => {
    try {
      const link = await ask(api.POST("/api/v1/invoices/{id}/links", { params: { path: { id: invoice.id } } }));
      const url = new URL(link.path, window.location.origin).href;
      const done = await copyText(url);
      toast(done ? t("invoice.shared", { date: format.day(link.until) }) : `${t("invoice.sharedNot")} ${url}`);
    } catch {
      toast(t("state.failed"), "danger");
    }
  };
  const unshare = async () => {
    try {
      await ask(api.DELETE("/api/v1/invoices/{id}/links", { params: { path: { id: invoice.id } } }));
      toast(t("invoice.unshared"));
    } catch {
      toast(t("state.failed"), "danger");
    }
  };
  return (
    <div className="flex items-center gap-2">
      <a href={`${address}/document.pdf?language=${locale}`} download className={buttonClass()}>
        <Icon name="download" size={20} />
        {t("invoice.pdf")}
      </a>
      <Menu label={t("invoice.actions")}>
        <button type="button" onClick={() => window.print()}>
          <Icon name="print" size={20} />
          {t("invoice.print")}
        </button>
        <a href={`${address}/document.csv`} download>
          <Icon name="download" size={20} />
          {t("invoice.csv")}
        </a>
        {me.user !== null && (
          <>
            <button type="button" onClick={() => void share()}>
              <Icon name="share" size={20} />
              {t("invoice.share")}
            </button>
            <button type="button" onClick={() => void unshare()}>
              <Icon name="close" size={20} />
              {t("invoice.unshare")}
            </button>
          </>
        )}
      </Menu>
    </div>
  );
}

import { Link } from "@tanstack/react-router";
import { useT } from "@/shared/i18n/i18n";
import { buttonClass } from "@/shared/ui/Button";

export function NotFound() {
  const t = useT();
  return (
    <div className="card grid justify-items-start gap-4">
      <h1 className="text-xl font-semibold">{t("notFound.title")}</h1>
      <p className="text-muted">{t("notFound.detail")}</p>
      <Link to="/" className={buttonClass("primary")}>
        {t("notFound.home")}
      </Link>
    </div>
  );
}

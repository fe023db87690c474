import "./app.css";
import { loadMessages } from "@/shared/i18n/messages";
import { nearestLocale } from "@/shared/i18n/locale";
import { applyTextSize } from "@/shared/session/preferences";

applyTextSize();

// The server writes the language into the page, so the right one loads beside the program.
const locale = nearestLocale(document.documentElement.lang);
const [{ start }, messages] = await Promise.all([import("./main"), loadMessages(locale)]);
start(locale, messages);

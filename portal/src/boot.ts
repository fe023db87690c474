import "./app.css";
import { nearestLocale } from "@/shared/i18n/locale";
import { loadMessages } from "@/shared/i18n/messages";
import { applyTextSize } from "@/shared/session/preferences";
import { start } from "./main";

applyTextSize();

// The server writes the language into the page, and a hint beside it, so that its texts load with the program.
const locale = nearestLocale(document.documentElement.lang);
start(locale, await loadMessages(locale));

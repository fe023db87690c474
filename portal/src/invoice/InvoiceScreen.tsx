import { getRouteApi } from "@tanstack/react-router";
import { InvoiceList } from "./InvoiceList";
import { OneInvoice } from "./OneInvoice";

const route = getRouteApi("/invoice");

/** All bills, or the one that the address names. */
export function InvoiceScreen() {
  const { bill } = route.useSearch();
  return bill === undefined ? <InvoiceList /> : <OneInvoice id={bill} />;
}

import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { ask, client as api } from "@/shared/api/client";
import { queries } from "@/shared/api/queries";
import { useT } from "@/shared/i18n/i18n";
import { useSession } from "@/shared/session/session";
import { alertKind } from "@/shared/ui/alertKinds";
import { Button } from "@/shared/ui/Button";
import { Card, Empty } from "@/shared/ui/Card";

/** For those who run the server: what was given up, and why. */
export function FailedMessages() {
  const t = useT();
  const { me } = useSession();
  const client = useQueryClient();
  const answer = useQuery(queries.failedMessages());
  const again = useMutation({
    mutationFn: (id: string) => ask(api.POST("/api/v1/admin/outbox/{id}/again", { params: { path: { id } } })),
    onSuccess: () => void client.invalidateQueries({ queryKey: ["failed-messages"] }),
  });
  return (
    <Card title={t("failed.title")} size="h-24" answer={answer} empty={({ messages }) => (messages.length === 0 ? <Empty>{t("failed.none")}</Empty> : null)}>
      {({ messages }) => (
        <ul>
          {messages.slice(0, 20).map(({ id, kind, channel, recipient, attempts, error }) => {
            const known = alertKind(kind ?? "");
            return (
              <li key={id} className="flex flex-wrap items-center gap-3 border-b border-hairline py-3 last:border-0">
                <div className="min-w-0 grow">
                  <p className="font-semibold">{known ? t(`rule.${known}.title`) : kind}</p>
                  <p className="text-sm break-words text-muted">{t("failed.why", { channel, recipient, count: attempts, why: error ?? "–" })}</p>
                </div>
                {me.user?.role === "admin" && (
                  <Button small disabled={again.isPending} onClick={() => again.mutate(id)}>
                    {t("failed.again")}
                  </Button>
                )}
              </li>
            );
          })}
        </ul>
      )}
    </Card>
  );
}

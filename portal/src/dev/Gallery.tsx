import { useState, type ReactNode } from "react";
import type { AlertEvent, Line } from "@/shared/api/types";
import { ApiError, Unreachable } from "@/shared/api/client";
import { useSession } from "@/shared/session/session";
import { Bars } from "@/shared/chart/Bars";
import { Figure, Legend } from "@/shared/chart/Figure";
import { HeatMap } from "@/shared/chart/HeatMap";
import { Lines } from "@/shared/chart/Lines";
import { MeterLegend, MeterLine } from "@/shared/chart/MeterLine";
import { Spark } from "@/shared/chart/Spark";
import { AlertIcon, AlertSentence } from "@/shared/ui/AlertSentence";
import { Button, IconButton } from "@/shared/ui/Button";
import { Card, Empty, Failure, Panel, Skeleton } from "@/shared/ui/Card";
import { Segmented, Select, Switch } from "@/shared/ui/Choice";
import { Icon, type IconName } from "@/shared/ui/icons";
import { LineTable } from "@/shared/ui/LineTable";
import { Menu } from "@/shared/ui/Menu";
import { PeriodChip } from "@/shared/ui/PeriodChip";
import { InvoiceState } from "@/shared/ui/StateChip";
import { toast } from "@/shared/ui/toast";

const refetch = () => undefined;
const filled = { data: { wh: 1 }, error: null, isFetching: false, refetch };
const failure = new ApiError(500, "internal", "", null, "E-4F2A");
const heights = [4, 6, 3, null, null, 8, 5, 7, 9, 2, 6, 4];
const bars = heights.map((value, index) => ({
  key: String(index),
  value: value === null ? null : value * 1000,
  reference: index % 2 === 0 ? 5200 : 4300,
  estimated: index === 6 || index === 7,
  label: String(index + 1),
  words: () => (value === null ? `Day ${index + 1}, no reading` : `Day ${index + 1}, ${value} kWh`),
}));
const wave = Array.from({ length: 60 }, (_, minute) => ({ at: minute, value: minute > 20 && minute < 26 ? null : 300 + Math.round(250 * Math.abs(Math.sin(minute / 7))), words: `minute ${minute}` }));
const icons: IconName[] = ["home", "live", "history", "invoice", "bell", "settings", "left", "right", "down", "copy", "check", "print", "download", "link", "warning", "out", "close", "bolt", "more", "refresh", "play", "pause", "stop", "plus", "select", "tag", "clock", "share", "trash", "pencil"];
const short = { title: "The meter stopped reporting", sentence: "The meter of Casa 12 has not reported for 3 h. What was measured is not lost.", action: "If the power is out too, tell your utility.", path: "/historic" };
const long = {
  title: "Your next bill may rise by 19%",
  sentence: "The bill of Casa da Praia e Ateliê, Rua das Flores 1204 is heading for R$1,262.40, 19% above the last one of R$1,060.10. Most of the difference comes from the hours of use: R$87.50.",
  action: "The page History shows what changed: use, price or days.",
  path: "/historic",
};
const events = [
  { state: "active", values: { moment: "started" }, words: short },
  { state: "active", values: { moment: "worse" }, words: long },
  { state: "over", values: { moment: "started" }, words: { ...short, title: "Your bill is due on 14 November 2026", sentence: "Bill 000013 of Casa 12, R$341.85, is due on 14 November 2026." } },
  { state: "over", values: { moment: "over" }, words: { ...short, title: "The meter is back", sentence: "The meter of Casa 12 reports again, after 5 h." } },
].map((event, index) => ({ ...event, kind: "any", id: String(index), at: "2026-11-20T10:00:00-03:00", until: null, read: false }) as AlertEvent);

const stacked = bars.map((bar, index) => ({
  ...bar,
  reference: null,
  // A bill's bar: its fixed part below, then the periods of the day.
  parts: [
    { kind: "base" as const, value: 900 },
    ...(bar.value === null ? [] : [{ kind: "off_peak" as const, value: bar.value * 0.4 }, { kind: "shoulder" as const, value: bar.value * 0.15 }, { kind: "peak" as const, value: bar.value * 0.2 + index }]),
  ],
}));
const unknown = heights.map((_, index) => ({ key: String(index), value: null, reference: null, estimated: false, label: String(index + 1), words: () => `Day ${index + 1}, no reading` }));
const many = Array.from({ length: 96 }, (_, index) => ({ key: String(index), value: 200 + Math.round(900 * Math.abs(Math.sin(index / 9))), reference: null, estimated: false, label: index % 4 === 0 ? String(index / 4).padStart(2, "0") : "", future: index > 70, words: () => `quarter ${index}` }));
const line = (over: Partial<Line>): Line => ({ code: "te", label: "Consumo-TE", group: "energy", quantity: "212.4", unit: "kWh", price: "0.41873", price_without_taxes: "0.28024", share: null, base: "59.52", taxes: [], amount: "88.93", first: "2026-10-01", until: "2026-11-01", period: null, block: null, explanation: null, ...over });
const lines = [line({ period: "ponta" }), line({ label: "Adicional bandeira vermelha_1", group: "flag", explanation: "30/31 days · ANEEL REH 3.306/2024" }), line({ code: "lighting", label: "Iluminação pública", group: "lighting", quantity: null, price: null, amount: "27.40", block: { from: null, until: "400", unit: "kWh" } })];

/** Every component in every state, in development builds and their tests only. */
export function Gallery() {
  const [choice, setChoice] = useState<"one" | "two">("one");
  const [on, setOn] = useState(true);
  const tick = (value: number) => String(value / 1000);
  const { format } = useSession();
  return (
    <div className="grid gap-6">
      <h1 className="text-2xl font-semibold">Gallery</h1>
      <Row name="Five states of a card">
        <Card title="Loading" size="h-32" answer={{ data: undefined, error: null, isFetching: true, refetch }}>
          {() => null}
        </Card>
        <Card title="Empty, and that is normal" answer={filled} empty={() => <Empty detail="The first one should come at 14:15.">Your meter sends a reading every quarter of an hour.</Empty>}>
          {() => null}
        </Card>
        <Card title="Failed" answer={{ data: undefined, error: failure, isFetching: false, refetch }}>
          {() => null}
        </Card>
        <Card title="Failed, with what came last" answer={{ ...filled, error: failure }}>
          {() => <p className="numeral">7.05 kWh</p>}
        </Card>
        <Card title="Partial" answer={filled} strip={() => "4 of 96 intervals estimated."}>
          {() => <p className="numeral">7.05 kWh</p>}
        </Card>
        <Card title="Filled" answer={filled}>
          {() => <p className="numeral">7.05 kWh</p>}
        </Card>
      </Row>
      <Row name="Meter line">
        <Panel title="So far, likely, last">
          <MeterLine fill={0.5} band={[0.7, 0.85]} tick={0.9} summary="Half" />
          <MeterLegend items={[{ mark: "fill", text: "So far" }, { mark: "band", text: "Likely" }, { mark: "tick", text: "Last" }]} />
        </Panel>
        <Panel title="Over the end">
          <MeterLine fill={1.4} tone="series" tick={0.7} summary="Over" />
        </Panel>
      </Row>
      <Row name="Charts">
        <Panel title="Bars, a gap, estimates, a reference">
          <Bars data={bars} summary="Bars" cursorLabel="Day" formatTick={tick} unit="kWh" rest="The most: day 9" onSelect={(first, last) => toast(`${first}–${last}`)} />
        </Panel>
        <Panel title="Bars of a bill: fixed part and periods of the day">
          <Figure
            legend={[{ mark: "base", text: "Fixed" }, { mark: "series", text: "Off-peak" }, { mark: "shoulder", text: "Shoulder" }, { mark: "peak", text: "Peak" }, { mark: "estimated", text: "Estimated" }, { mark: "gap", text: "No reading" }]}
            csv="/no.csv"
            table={() => <LineTable lines={lines} total="205.26" format={format} />}
          >
            <Bars data={stacked} summary="Stacked bars" cursorLabel="Day of the bill" formatTick={tick} unit="R$" rest="The most: day 9" selection={[1, 2]} onSelect={(first, last) => toast(`${first}–${last}`)} />
          </Figure>
        </Panel>
        <Panel title="Bars of which nothing is known">
          <Bars data={unknown} summary="Unknown bars" cursorLabel="Day unknown" formatTick={tick} unit="kWh" rest="" />
        </Panel>
        <Panel title="Many bars, some yet to come">
          <Bars data={many} summary="Many bars" cursorLabel="Quarter" formatTick={tick} unit="kW" rest="" every={3} />
        </Panel>
        <Panel title="Bars without data">
          <Bars data={[]} summary="No bars" cursorLabel="Nothing" formatTick={tick} unit="kWh" rest="" />
        </Panel>
        <Panel title="Line without data">
          <Lines points={[]} from={0} to={59} summary="No line" cursorLabel="Nothing here" formatTick={String} unit="W" labels={[]} />
        </Panel>
        <Panel title="Line of one point, a register">
          <Lines points={wave.slice(0, 1)} from={0} to={59} summary="One point" cursorLabel="One" formatTick={String} unit="W" labels={[]} step fill={false} least={200} most={400} />
        </Panel>
        <Panel title="Line with its past and jumps">
          <Lines points={wave} past={wave.map((point) => ({ at: point.at, value: 320 }))} marks={[9, 40]} from={0} to={59} summary="Line and past" cursorLabel="Minute of the past" formatTick={String} unit="W" labels={[{ at: 0, text: "0" }]} />
          <Legend items={[{ mark: "line", text: "Now" }, { mark: "past", text: "Before" }, { mark: "reference", text: "Expected" }]} />
        </Panel>
        <Panel title="Heat map without data">
          <HeatMap columns={[]} rowLabels={Array.from({ length: 24 }, (_, hour) => String(hour))} summary="No heat" words={() => ""} rest="" columnCursor="No day" rowCursor="No hour" few="less" many="more" />
        </Panel>
        <Panel title="A chart that waits">
          <Skeleton size="h-48" />
        </Panel>
        <Panel title="Line with a gap">
          <Lines points={wave} from={0} to={59} summary="Line" cursorLabel="Minute" formatTick={String} unit="W" labels={[{ at: 0, text: "0" }, { at: 59, text: "59" }]} />
        </Panel>
        <Panel title="Heat map">
          <HeatMap
            columns={Array.from({ length: 28 }, (_, day) => ({ key: String(day), label: String(day + 1), cells: Array.from({ length: 24 }, (_, hour) => (day === 9 && hour < 12 ? null : day === 27 && hour > 15 ? undefined : Math.round(100 + 900 * Math.abs(Math.sin(hour / 4 + day / 9))))) }))}
            rowLabels={Array.from({ length: 24 }, (_, hour) => (hour % 6 === 0 ? `${hour}` : ""))}
            summary="Heat"
            words={(day, hour) => `day ${day + 1}, hour ${hour}`}
            rest=""
            columnCursor="Day"
            rowCursor="Hour"
            few="less"
            many="more"
          />
        </Panel>
        <Panel title="Spark">
          <Spark points={wave} from={0} to={59} summary="Spark" />
        </Panel>
      </Row>
      <Row name="Controls">
        <Panel>
          <div className="flex flex-wrap items-center gap-3">
            <Button kind="primary">Primary</Button>
            <Button>Quiet</Button>
            <Button kind="plain">Plain</Button>
            <Button small>Small</Button>
            <Button kind="primary" disabled>
              Disabled
            </Button>
            <IconButton name="more" label="More" />
            <Switch label="Switch" checked={on} onChange={setOn} />
            <Button onClick={() => toast("Said and done")}>Toast</Button>
            <Button onClick={() => toast("That did not work", "danger")}>Bad toast</Button>
          </div>
          <div className="mt-4 flex flex-wrap items-center gap-3">
            <Segmented label="Choice" choices={[{ value: "one", label: "One" }, { value: "two", label: "Two" }]} value={choice} onChange={setChoice} />
            <Select label="Select" hideLabel choices={[{ value: "one", label: "One" }, { value: "two", label: "Two" }]} value={choice} onChange={setChoice} />
            <InvoiceState state="open" overdue={false} />
            <InvoiceState state="open" overdue />
            <InvoiceState state="paid" overdue={false} />
            <InvoiceState state="credit" overdue={false} />
          </div>
        </Panel>
        <Panel title="Icons">
          <div className="flex flex-wrap gap-4">
            {icons.map((name) => (
              <Icon key={name} name={name} />
            ))}
          </div>
        </Panel>
      </Row>
      <Row name="Menus, chips, lines of a bill">
        <Panel title="Menu and chips">
          <div className="flex flex-wrap items-center gap-3">
            <Menu label="Menu">
              <button type="button">One</button>
              <a href="/no-such-page">Two</a>
            </Menu>
            <PeriodChip period={{ name: "fora_ponta", level: "off_peak", until: "2026-11-20T17:00:00-03:00" }} />
            <PeriodChip period={{ name: "intermediario", level: "shoulder", until: null }} />
            <PeriodChip period={{ name: "ponta", level: "peak", until: null }} />
            <PeriodChip period={{ name: "night_rate", level: "something newer", until: null }} />
          </div>
        </Panel>
        <Panel title="Lines">
          <LineTable lines={lines} total="205.26" format={format} />
        </Panel>
        <Panel title="Out of reach">
          <Failure error={new Unreachable(null)} retry={refetch} stale={false} />
        </Panel>
      </Row>
      <Row name="Alerts in words">
        <Panel>
          <div className="grid gap-3">
            {events.map((event) => (
              <div key={event.id} className="flex gap-3">
                <AlertIcon event={event} />
                <div className="min-w-0">
                  <AlertSentence event={event} />
                </div>
              </div>
            ))}
          </div>
        </Panel>
      </Row>
    </div>
  );
}

function Row({ name, children }: { name: string; children: ReactNode }) {
  return (
    <section aria-label={name}>
      <h2 className="mb-3 text-lg font-semibold">{name}</h2>
      <div className="grid items-start gap-4 rail:grid-cols-2">{children}</div>
    </section>
  );
}

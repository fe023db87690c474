//! `corrente bill run`: billing runs from prepare to close.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use corrente_mdm::{BillingRules, Mdm, RunDetail, RunRequest, RunSummary};
use corrente_metering::{Date, id::OrganisationId};
use corrente_registry::{
    billing_runs::{self, ItemState, Run},
    organisations, usage_points,
    users::{self, Role},
};
use corrente_units::{Decimal, Money, Rounding};

use crate::{
    data_directory::in_use,
    failure::Failure,
    figures::Figures,
    output::{print, print_json},
};

/// Options of `corrente bill run`.
#[derive(Debug, Args)]
pub(crate) struct RunArguments {
    /// Data directory
    #[arg(long, global = true, value_name = "DIR", default_value = "data")]
    data: PathBuf,
    /// Prints JSON
    #[arg(long, global = true)]
    json: bool,
    #[command(subcommand)]
    command: RunCommand,
}

#[derive(Debug, Subcommand)]
enum RunCommand {
    /// The runs, the newest first
    List,
    /// Puts usage points on a route: they are billed by its runs, and no longer by themselves each month
    Route {
        /// The route; `-` takes the usage points from any
        #[arg(value_name = "ROUTE")]
        route: String,
        /// Recorded names
        #[arg(required = true, value_name = "USAGE POINT")]
        usage_points: Vec<String>,
    },
    /// Says above which total two people approve, or decides it
    Limit {
        /// The amount
        #[arg(value_name = "AMOUNT")]
        amount: Option<Decimal>,
    },
    /// Says how long a period may be and how long there is to pay, or decides it
    Rules(RulesArguments),
    /// Makes a run and looks at each usage point: can it be billed, how much is estimated, what was found
    Prepare(PrepareArguments),
    /// Looks at each usage point of a run again
    Again {
        /// The run
        #[arg(value_name = "RUN")]
        number: i64,
    },
    /// A run, its exceptions and its largest changes
    Show {
        /// The run
        #[arg(value_name = "RUN")]
        number: i64,
    },
    /// Computes every bill of a run now and writes nothing
    Preview {
        /// The run
        #[arg(value_name = "RUN")]
        number: i64,
    },
    /// Keeps a usage point back
    Hold {
        /// The run
        #[arg(value_name = "RUN")]
        number: i64,
        /// Its recorded name
        #[arg(value_name = "USAGE POINT")]
        usage_point: String,
        /// Why
        #[arg(long, value_name = "TEXT")]
        reason: String,
    },
    /// Lets a usage point that was kept back go on
    Release {
        /// The run
        #[arg(value_name = "RUN")]
        number: i64,
        /// Its recorded name
        #[arg(value_name = "USAGE POINT")]
        usage_point: String,
    },
    /// Approves a total and stores the plans; above the limit a second person does it again
    Approve {
        /// The run
        #[arg(value_name = "RUN")]
        number: i64,
        /// The total that you saw
        #[arg(long, value_name = "AMOUNT")]
        total: Decimal,
        /// Who approves: the e-mail address of an operator or administrator
        #[arg(long, value_name = "EMAIL")]
        by: String,
    },
    /// Issues what was approved; after a kill it goes on where it stopped
    Issue {
        /// The run
        #[arg(value_name = "RUN")]
        number: i64,
    },
    /// Ends a run; what is held or an exception is left to the next one
    Close {
        /// The run
        #[arg(value_name = "RUN")]
        number: i64,
    },
}

#[derive(Debug, Args)]
struct RulesArguments {
    /// A whole period has so many days at least
    #[arg(long, value_name = "DAYS")]
    fewest_days: Option<i64>,
    /// And so many at most
    #[arg(long, value_name = "DAYS")]
    most_days: Option<i64>,
    /// A bill that ended longer ago is not continued
    #[arg(long, value_name = "DAYS")]
    continues_days: Option<i64>,
    /// Calendar days from issue to the last day of payment
    #[arg(long, value_name = "DAYS")]
    days_to_pay: Option<i64>,
    /// The number of the issuer's state (IBGE), such as 29 for Bahia: prints a preview of the key of an NF3e
    #[arg(long, value_name = "NUMBER")]
    nf3e_state: Option<String>,
}

#[derive(Debug, Args)]
struct PrepareArguments {
    /// The route; without it the usage points that are on none
    #[arg(long, value_name = "ROUTE")]
    route: Option<String>,
    /// A closing bill of only this usage point
    #[arg(long, value_name = "NAME", conflicts_with = "route")]
    usage_point: Option<String>,
    /// The first day; without it the day on which most of the last bills ended
    #[arg(long, value_name = "DATE")]
    from: Option<Date>,
    /// The last day
    #[arg(long, value_name = "DATE")]
    to: Date,
}

/// Does it.
pub(crate) fn run(arguments: RunArguments) -> Result<(), Failure> {
    crate::log::start_for_tool()?;
    let writes_plans = matches!(
        arguments.command,
        RunCommand::Approve { .. } | RunCommand::Issue { .. } | RunCommand::Again { .. }
    );
    // A plan names revisions of readings, which a copy beside a running server would number anew.
    if writes_plans && in_use(&arguments.data) {
        return Err(Failure::new(format!(
            "{}: a server is using this data directory; do it there (POST /api/v1/admin/billing-runs/…), or stop it",
            arguments.data.display()
        )));
    }
    let figures = Figures::open(&arguments.data)?;
    let mdm = figures.mdm();
    let organisation = mdm
        .registry()
        .read_blocking(organisations::default_organisation)?
        .ok_or_else(|| Failure::new("there is no organisation: `corrente admin organisation`"))?
        .id;
    let tool = Tool { mdm, organisation, json: arguments.json };
    tool.run(arguments.command)
}

struct Tool {
    mdm: Mdm,
    organisation: OrganisationId,
    json: bool,
}

impl Tool {
    fn run(&self, command: RunCommand) -> Result<(), Failure> {
        match command {
            RunCommand::List => self.list(),
            RunCommand::Route { route, usage_points } => self.route(&route, &usage_points),
            RunCommand::Limit { amount } => self.limit(amount),
            RunCommand::Rules(arguments) => self.rules(&arguments),
            RunCommand::Prepare(arguments) => self.prepare(arguments),
            RunCommand::Again { number } => {
                let run = self.numbered(number)?;
                self.show(&self.mdm.prepare_run_again(run.id)?)
            }
            RunCommand::Show { number } => {
                let run = self.numbered(number)?;
                self.show(&self.mdm.run_detail(run.id)?)
            }
            RunCommand::Preview { number } => {
                let run = self.numbered(number)?;
                let summary = self.mdm.preview_run(run.id)?;
                self.summary(&run, &summary)
            }
            RunCommand::Hold { number, usage_point, reason } => {
                let run = self.numbered(number)?;
                let point = self.point(&usage_point)?;
                self.mdm.hold_in_run(run.id, point, Some(&reason))?;
                self.show(&self.mdm.run_detail(run.id)?)
            }
            RunCommand::Release { number, usage_point } => {
                let run = self.numbered(number)?;
                let point = self.point(&usage_point)?;
                self.mdm.hold_in_run(run.id, point, None)?;
                self.show(&self.mdm.run_detail(run.id)?)
            }
            RunCommand::Approve { number, total, by } => {
                let run = self.numbered(number)?;
                let person = self.person(&by)?;
                self.show(&self.mdm.approve_run(run.id, &person, money(total)?)?)
            }
            RunCommand::Issue { number } => {
                let run = self.numbered(number)?;
                let done = self.mdm.issue_run(run.id, &mut |progress| {
                    tracing::info!(run.issued = progress.issued, "invoices issued");
                })?;
                print(&format!(
                    "run {number}: {} invoices issued, {} exceptions\n",
                    done.issued, done.exceptions
                ))
            }
            RunCommand::Close { number } => {
                let run = self.numbered(number)?;
                self.show(&self.mdm.close_run(run.id)?)
            }
        }
    }

    fn numbered(&self, number: i64) -> Result<Run, Failure> {
        Ok(self.mdm.run_by_number(self.organisation, number)?)
    }

    fn point(&self, name: &str) -> Result<corrente_metering::id::UsagePointId, Failure> {
        let (organisation, wanted) = (self.organisation, name.to_owned());
        let found = self
            .mdm
            .registry()
            .read_blocking(move |tx| usage_points::by_name(tx, organisation, &wanted))?;
        found
            .map(|point| point.id)
            .ok_or_else(|| Failure::new(format!("there is no usage point `{name}`")))
    }

    /// Who approves, as the run keeps it: the same name as over the API.
    fn person(&self, email: &str) -> Result<String, Failure> {
        let wanted = users::normal_email(email);
        let found = self.mdm.registry().read_blocking(move |tx| users::by_email(tx, &wanted))?;
        found
            .filter(|user| user.organisation == self.organisation && user.role != Role::Customer)
            .map(|user| format!("user:{}", user.id))
            .ok_or_else(|| {
                Failure::new(format!("--by {email}: no operator or administrator has this address"))
            })
    }

    fn list(&self) -> Result<(), Failure> {
        for run in self.mdm.runs(self.organisation)? {
            print(&format!("{}\n", head(&run)))?;
        }
        Ok(())
    }

    fn route(&self, route: &str, names: &[String]) -> Result<(), Failure> {
        let points = names.iter().map(|name| self.point(name)).collect::<Result<Vec<_>, _>>()?;
        let route = Some(route).filter(|route| *route != "-").map(str::to_owned);
        self.mdm.registry().write_blocking(move |tx| {
            points
                .iter()
                .try_for_each(|point| billing_runs::set_route(tx, *point, route.as_deref()))
        })?;
        print(&format!("{} usage points\n", names.len()))
    }

    fn limit(&self, amount: Option<Decimal>) -> Result<(), Failure> {
        if let Some(amount) = amount {
            self.mdm.set_approval_limit(self.organisation, money(amount)?)?;
        }
        let limit = self.mdm.approval_limit(self.organisation)?;
        print(&format!("above {limit} two people approve\n"))
    }

    fn rules(&self, given: &RulesArguments) -> Result<(), Failure> {
        let known = self.mdm.billing_rules(self.organisation)?;
        let rules = BillingRules {
            fewest_days: given.fewest_days.unwrap_or(known.fewest_days),
            most_days: given.most_days.unwrap_or(known.most_days),
            continues_days: given.continues_days.unwrap_or(known.continues_days),
            days_to_pay: given.days_to_pay.unwrap_or(known.days_to_pay),
            nf3e_state: given.nf3e_state.clone().or_else(|| known.nf3e_state.clone()),
        };
        if rules != known {
            self.mdm.set_billing_rules(self.organisation, rules.clone())?;
        }
        if self.json {
            return print_json(&rules);
        }
        print(&format!(
            "a period has {} to {} days; a bill goes on where one of at most {} days before ended; \
             it is due {} days after issue\n",
            rules.fewest_days, rules.most_days, rules.continues_days, rules.days_to_pay
        ))
    }

    fn prepare(&self, arguments: PrepareArguments) -> Result<(), Failure> {
        let usage_point = arguments.usage_point.map(|name| self.point(&name)).transpose()?;
        let detail = self.mdm.prepare_run(&RunRequest {
            organisation: self.organisation,
            route: arguments.route,
            usage_point,
            first: arguments.from,
            until: corrente_metering::calendar::next_day(arguments.to),
        })?;
        self.show(&detail)
    }

    fn show(&self, detail: &RunDetail) -> Result<(), Failure> {
        self.summary(&detail.run, &detail.summary)?;
        if !self.json {
            for approval in &detail.approvals {
                print(&format!("  approved by {}: {}\n", approval.person, approval.total))?;
            }
        }
        Ok(())
    }

    fn summary(&self, run: &Run, summary: &RunSummary) -> Result<(), Failure> {
        if self.json {
            return print_json(&json(run, summary));
        }
        let mut lines = vec![
            head(run),
            format!(
                "  {} ready, {} exceptions, {} held, {} issued",
                summary.ready, summary.exceptions, summary.held, summary.issued
            ),
            format!(
                "  total {} for {} kWh, {} kWh of them estimated",
                summary.total,
                summary.energy.kwh().normalize(),
                summary.estimated.kwh().normalize()
            ),
        ];
        if !summary.largest.is_empty() {
            let (now, then) = (summary.compared, summary.previous);
            lines.push(format!("  with a bill before: {now} now, {then} then"));
        }
        if let Some(last) = &summary.last_run {
            lines.push(format!(
                "  last run {}: {} for {} bills, {} kWh",
                last.number,
                last.total,
                last.bills,
                last.energy.kwh().normalize()
            ));
        }
        let part = |(part, amount): &(u8, Money)| format!("{part} %: {amount}");
        let parts: Vec<String> = summary.distribution.iter().map(part).collect();
        if !parts.is_empty() {
            lines.push(format!("  distribution: {}", parts.join(", ")));
        }
        for one in &summary.largest {
            let (amount, previous) = (one.amount, one.previous);
            lines.push(format!("  {}: {amount} after {previous} ({})", one.name, one.change));
        }
        for (name, item) in &summary.items {
            if matches!(item.state, ItemState::Exception | ItemState::Held) || item.findings > 0 {
                let reason = item.reason.as_deref().unwrap_or("can be billed");
                let findings = match item.findings {
                    0 => String::new(),
                    findings => format!(" ({findings} open findings)"),
                };
                lines.push(format!("  {name}: {}: {reason}{findings}", item.state.word()));
            }
        }
        lines.push(String::new());
        print(&lines.join("\n"))
    }
}

fn head(run: &Run) -> String {
    let route = run.route.as_ref().map_or_else(String::new, |route| format!(", route {route}"));
    let last = corrente_metering::calendar::day_before(run.until);
    format!("run {}: {}{route}, {} to {last}", run.number, run.state.word(), run.first)
}

fn json(run: &Run, summary: &RunSummary) -> serde_json::Value {
    let items: Vec<_> = summary
        .items
        .iter()
        .map(|(name, item)| {
            serde_json::json!({
                "usage_point": name, "state": item.state.word(), "reason": item.reason,
                "wh": item.energy.wh(), "estimated_wh": item.estimated.wh(),
                "findings": item.findings, "amount": item.amount.to_string(),
                "previous": item.previous.map(|amount| amount.to_string()),
            })
        })
        .collect();
    serde_json::json!({
        "number": run.number, "state": run.state.word(), "route": run.route,
        "first": run.first.to_string(), "until": run.until.to_string(),
        "ready": summary.ready, "exceptions": summary.exceptions, "held": summary.held,
        "issued": summary.issued, "total": summary.total.to_string(),
        "wh": summary.energy.wh(), "estimated_wh": summary.estimated.wh(),
        "usage_points": items,
    })
}

fn money(amount: Decimal) -> Result<Money, Failure> {
    let money = Money::from_decimal(amount, Rounding::Truncate);
    money
        .ok()
        .filter(|money| money.decimal() == amount)
        .ok_or_else(|| Failure::new(format!("{amount} is no amount such as 1234.56")))
}

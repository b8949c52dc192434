//! `sweep`.

use std::{path::PathBuf, time::Instant};

use clap::Args;
use jiff::Timestamp;
use serde::Serialize;
use serde_json::{Value, json};
use up_engine::{
    Decision, Engine, Failure, KeepReason, Level, NamedStack, Reason, StackSummary, Survey, SweepRules, Taken,
};

use crate::{
    approval,
    exit::Exit,
    options::{AccountArgs, AwsArgs, RunArgs, StateArgs},
    render::{self, ApiCalls, Verdict},
    report,
    run::{self, CarriedOut},
    terminal,
};

/// The version of what `--json` writes.
const FORMAT: u32 = 1;

/// Destroys disposable stacks that have expired.
///
/// Shows what it would do, and does it only with `--yes`. A file of rules says which stacks of which accounts it may take. Before each
/// stack it takes the stack's lock, reads all tags again from their services, and leaves the stack alone if anything is not as it
/// should be: a resource without a stamp, one that is less than 30 minutes old or of unknown age, AWS's deletion protection. What it
/// takes is destroyed as `destroy --name` does it, without final snapshots. A failure of one stack does not stop the others.
#[derive(Debug, Args)]
pub(crate) struct SweepCommand {
    /// The file with the accounts and the names of stacks that may be destroyed.
    #[arg(long, value_name = "FILE")]
    pub(crate) rules: PathBuf,
    #[command(flatten)]
    pub(crate) account: AccountArgs,
    /// Destroys the stacks, instead of only showing them.
    #[arg(long)]
    pub(crate) yes: bool,
    /// The alias of the account, or its id if it has none. If not given, a terminal asks for it.
    #[arg(long, value_name = "ALIAS", requires = "yes")]
    pub(crate) alias: Option<String>,
    /// The number of stacks that are to be destroyed, or `any`. If not given, a terminal asks for it.
    #[arg(long, value_name = "N|any", requires = "yes")]
    pub(crate) stacks: Option<String>,
    /// The most stacks to destroy, those that expired first.
    #[arg(long, value_name = "N", default_value_t = 5, value_parser = clap::value_parser!(u16).range(1..))]
    pub(crate) max_stacks: u16,
    /// Goes on although more than half of all stacks have expired, which is often the sign of a wrong rule or tag.
    #[arg(long)]
    pub(crate) more_than_half: bool,
    /// Writes one JSON object to stdout at the end.
    #[arg(long)]
    pub(crate) json: bool,
    #[command(flatten)]
    pub(crate) aws: AwsArgs,
    #[command(flatten)]
    pub(crate) state: StateArgs,
}

/// What became of a stack.
#[derive(Debug, Serialize)]
struct SweptStack {
    name: String,
    #[serde(flatten)]
    decision: Decision,
    /// The object of its destroy, or of the failure of that.
    #[serde(skip_serializing_if = "Option::is_none")]
    run: Option<Value>,
}

impl SweepCommand {
    pub(crate) async fn run(self, engine: &Engine) -> Result<Exit, Failure> {
        run::reported("sweep", self.json, engine, self.sweep(engine)).await
    }

    async fn sweep(&self, engine: &Engine) -> Result<Exit, Failure> {
        let rules = SweepRules::read(&self.rules)?;
        let (account, region) = self.account.place(&self.aws)?;
        if !rules.allow_account(account, region) {
            let message = format!("{} does not allow account {account}, {region}", self.rules.display());
            return Err(Failure::new(Reason::Refused, message));
        }
        let session = self.aws.session(&self.state).await?;
        let survey = engine.survey(account, region, &session).await?;
        for (kind, error) in &survey.unread {
            let text = format!("failed to read {kind}, so stacks may be missing: {error}");
            terminal::say(render::message(Level::Warning, &text));
        }
        let (verdicts, mut exits) = self.verdicts(engine, &survey, &rules).await?;
        let due = verdicts.iter().filter(|verdict| verdict.decision.destroys()).count();
        let all = survey.stacks.len() - verdicts.iter().filter(|it| it.decision == Decision::Gone).count();
        let text = render::verdicts(&survey, &verdicts);
        if self.json {
            terminal::say(text)
        } else {
            terminal::data(text)?
        }
        let is_most = due * 2 > all && !self.more_than_half;
        if is_most {
            let message = format!("{due} of all {all} stacks here have expired: that is more than half");
            let failure = Failure::new(Reason::Refused, message)
                .hint("check AWS's clock, the rules and the tags; `--more-than-half` goes on all the same");
            if self.yes {
                return Err(failure);
            }
            terminal::say(render::failure(&failure));
        }
        let mut swept: Vec<SweptStack> = vec![];
        if self.yes && due > 0 {
            let taken = self.taken(&verdicts);
            self.confirm(engine, &survey, taken.len()).await?;
            for verdict in taken {
                let engine = engine.for_next_stack();
                terminal::say(render::sweeping(&verdict.stack.name));
                let (stack, exit) = self.take(&engine, verdict).await;
                let is_interrupted = exit == Exit::Interrupted;
                swept.push(stack);
                exits.push(exit);
                if is_interrupted {
                    break;
                }
            }
        }
        let exit = together(&exits, survey.unread.is_empty());
        self.report(engine, &survey, &verdicts, &swept, exit)?;
        Ok(exit)
    }

    /// What would be done with each stack that has expired, or whose tags are not as they should be; and how the looks ended that
    /// failed.
    async fn verdicts(
        &self,
        engine: &Engine,
        survey: &Survey,
        rules: &SweepRules,
    ) -> Result<(Vec<Verdict>, Vec<Exit>), Failure> {
        let (mut verdicts, mut exits) = (vec![], vec![]);
        for stack in survey.stacks.iter().filter(|stack| is_told(stack, survey.at)) {
            let (decision, takes) = match rules.allow(&survey.account, &survey.region, &stack.name) {
                false => (Decision::Keep { reason: KeepReason::NotAllowed }, None),
                true if stack.is_expired(survey.at) => {
                    let named = NamedStack::new(&stack.name, &survey.account, &survey.region);
                    let session = self.aws.session(&self.state).await?;
                    match engine.for_next_stack().look_at(named, &session).await {
                        Ok((decision, takes)) => (decision, Some(takes)),
                        Err(failure) if failure.reason == Reason::Interrupted => return Err(failure),
                        Err(failure) => {
                            exits.push(Exit::from(failure.reason));
                            let message = failure.message;
                            (Decision::Keep { reason: KeepReason::Refused { message } }, None)
                        }
                    }
                }
                true => (stack.decision.clone(), None),
            };
            verdicts.push(Verdict { stack: stack.clone(), decision, takes });
        }
        Ok((verdicts, exits))
    }

    /// The stacks to destroy: those that expired first.
    fn taken<'v>(&self, verdicts: &'v [Verdict]) -> Vec<&'v Verdict> {
        let mut due: Vec<_> = verdicts.iter().filter(|verdict| verdict.decision.destroys()).collect();
        due.sort_by_key(|verdict| (verdict.stack.expires, &verdict.stack.name));
        due.truncate(self.max_stacks.into());
        due
    }

    /// Asks for the account's alias and for the number of stacks, unless options say them.
    async fn confirm(&self, engine: &Engine, survey: &Survey, many: usize) -> Result<(), Failure> {
        let session = self.aws.session(&self.state).await?;
        let alias = engine.account_alias(&survey.account, &survey.region, &session).await?;
        let alias = alias.unwrap_or_else(|| survey.account.clone());
        let question = "The alias of the account in which they are destroyed, or its id if it has none:";
        approval::typed(self.alias.clone(), "--alias", question, &[&alias]).await?;
        let many = many.to_string();
        let question = "The number of stacks that are destroyed:";
        approval::typed(self.stacks.clone(), "--stacks", question, &[&many, "any"]).await
    }

    /// Destroys one stack, if it is still to be. Its failure is told, and stops no other.
    async fn take(&self, engine: &Engine, verdict: &Verdict) -> (SweptStack, Exit) {
        let name = &verdict.stack.name;
        let taken = async {
            let prepared = match self.prepare(engine, name).await? {
                Taken::Ready(prepared) => prepared,
                Taken::Left(decision) => {
                    terminal::say(render::left(name, &decision));
                    return Ok((decision, None, Exit::Ok));
                }
            };
            render::remarks(&prepared.remarks).into_iter().for_each(terminal::say);
            let CarriedOut { report, exit, .. } = run::carry_out("sweep", engine, *prepared, Instant::now()).await?;
            Ok((verdict.decision.clone(), Some(report), exit))
        };
        let (decision, run, exit) = taken.await.unwrap_or_else(|failure: Failure| {
            terminal::say(render::failure(&failure));
            let run = report::failed("sweep", &failure, &engine.meter);
            (verdict.decision.clone(), Some(run), Exit::from(failure.reason))
        });
        (SweptStack { name: name.clone(), decision, run }, exit)
    }

    async fn prepare(&self, engine: &Engine, name: &str) -> Result<Taken, Failure> {
        let (account, region) = self.account.place(&self.aws)?;
        let stack = NamedStack::new(name, account, region);
        engine.take(stack, self.aws.session(&self.state).await?, RunArgs::default().options()).await
    }

    /// The object for `--json`.
    fn report(
        &self,
        engine: &Engine,
        survey: &Survey,
        verdicts: &[Verdict],
        swept: &[SweptStack],
        exit: Exit,
    ) -> Result<(), Failure> {
        if !self.json {
            return Ok(());
        }
        let others = verdicts.iter().filter(|verdict| swept.iter().all(|swept| swept.name != verdict.stack.name));
        let others =
            others.map(|it| SweptStack { name: it.stack.name.clone(), decision: it.decision.clone(), run: None });
        let stacks: Vec<_> = swept.iter().map(|swept| json!(swept)).chain(others.map(|other| json!(other))).collect();
        terminal::json(json!({
            "format": FORMAT,
            "command": "sweep",
            "account": survey.account,
            "region": survey.region,
            "dry_run": !self.yes,
            "exit_code": exit as u8,
            "all": survey.stacks.len(),
            "stacks": stacks,
            "unread": survey.unread,
            "api_calls": ApiCalls::of(&engine.meter),
            "errors": [],
        }))
    }
}

/// Stacks that have expired, and those that never will because of their tags.
fn is_told(stack: &StackSummary, now: Timestamp) -> bool {
    let is_unmarked = matches!(stack.decision, Decision::Keep { reason: KeepReason::Unmarked { .. } });
    stack.is_expired(now) || is_unmarked
}

/// The exit code for all stacks: that of those that failed, if they failed alike.
fn together(exits: &[Exit], is_read: bool) -> Exit {
    let failed: Vec<_> = exits.iter().filter(|exit| **exit != Exit::Ok).collect();
    match failed.split_first() {
        Some((first, others)) if others.iter().all(|other| other == first) => **first,
        Some(_) if exits.contains(&Exit::Interrupted) => Exit::Interrupted,
        Some(_) => Exit::Failed,
        None if is_read => Exit::Ok,
        None => Exit::Failed,
    }
}

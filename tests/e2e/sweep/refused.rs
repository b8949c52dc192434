//! Sweeps that are refused, and change nothing.

use std::fs;

use libtest_mimic::Trial;

use super::{LATER, apply, approved, are_alive, dry, rules};
use crate::{
    disposable::{DISPOSABLE, ahead},
    harness::{Account, Result, fail},
    trial,
};

pub(super) fn trials() -> Vec<Trial> {
    vec![trial("sweep::what_is_not_approved_changes_nothing", refused)]
}

const ADDRESS: &str = "\n[ec2.eip.main]\n";

fn refused() -> Result {
    let account = Account::new();
    apply(&account, "prod", "", ADDRESS)?;
    for name in ["qa-1", "qa-2"] {
        apply(&account, name, DISPOSABLE, ADDRESS)?;
    }
    account.python(r#"aws("iam").create_account_alias(AccountAlias="bullstra-qa")"#)?;
    ahead(&account, LATER)?;
    let file = account.folder.path().join("sweep-rules.toml");
    let calls = account.calls()?.len();
    let yes = |options: &[&'static str]| [dry(&account), vec!["--yes"], options.to_vec()].concat();
    let alias = ["--alias", "bullstra-qa", "--stacks", "2"];
    let most = [&alias[..], &["--more-than-half"]].concat();
    let refuses = |arguments: Vec<&str>, code: i32, said: &str| {
        let ran = account.up(&arguments)?;
        if ran.code != code || !ran.stderr.contains(said) {
            return fail(format!("{arguments:?} is not refused with {code} and `{said}`: {ran:?}"));
        }
        Ok(())
    };
    refuses(yes(&most), 3, "failed to read sweep-rules.toml")?;
    fs::write(&file, "[[allow]]\naccount = \"999999999999\"\nnames = [\"qa-*\"]\n")?;
    refuses(yes(&most), 6, "does not allow account")?;
    fs::write(&file, format!("[[allow]]\naccount = \"{}\"\nnames = [\"*\"]\n", account.id))?;
    refuses(yes(&most), 3, "would allow any name")?;
    rules(&account, &["qa-*"])?;
    refuses(yes(&alias), 6, "2 of all 3 stacks here have expired: that is more than half")?;
    refuses(yes(&["--more-than-half"]), 3, "nobody can be asked")?;
    refuses(
        yes(&["--alias", "bullstra-prod", "--stacks", "2", "--more-than-half"]),
        6,
        "`--alias` would be `bullstra-qa`",
    )?;
    refuses(yes(&["--alias", "bullstra-qa", "--more-than-half"]), 3, "answer beforehand with `--stacks`")?;
    refuses(yes(&["--alias", "bullstra-qa", "--stacks", "1", "--more-than-half"]), 6, "`--stacks` would be `2`")?;
    let other: Vec<_> = yes(&most).into_iter().map(|it| if it == account.id { "999999999999" } else { it }).collect();
    refuses(other, 6, "does not allow account 999999999999")?;
    // An alias makes the id wrong.
    refuses(approved(&account), 6, "`--alias` would be `bullstra-qa`")?;
    if let Some((call, _)) = account.calls()?[calls..].iter().find(|(_, mutating)| *mutating) {
        return fail(format!("a refused sweep made {call}"));
    }
    are_alive(&account, &["prod", "qa-1", "qa-2"], "after all refusals")?;
    account.json(&[yes(&most), vec!["--settle", "0s"]].concat())?;
    are_alive(&account, &["prod"], "after the approval")
}

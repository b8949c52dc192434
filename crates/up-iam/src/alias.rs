//! The alias of an account.

use up_core::{Context, Result, present};

use crate::client;

/// The alias of the account, if it has one: AWS allows one at most. Needs the permission `iam:ListAccountAliases`.
///
/// # Errors
/// When AWS does not answer.
pub async fn account_alias(cx: &Context) -> Result<Option<String>> {
    let answer = client(cx).list_account_aliases().send().await?;
    Ok(present(Some(answer.account_aliases), "list of aliases of the account")?.into_iter().next())
}

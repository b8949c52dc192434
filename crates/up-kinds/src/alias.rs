//! The alias of the account.

use up_core::{Context, Result};

/// The alias of the account, if it has one and the kinds of IAM are built.
///
/// # Errors
/// When AWS does not answer.
#[cfg(feature = "iam")]
pub async fn account_alias(cx: &Context) -> Result<Option<String>> {
    up_iam::account_alias(cx).await
}

/// The alias of the account, if it has one and the kinds of IAM are built.
///
/// # Errors
/// None.
#[cfg(not(feature = "iam"))]
pub async fn account_alias(_: &Context) -> Result<Option<String>> {
    Ok(None)
}

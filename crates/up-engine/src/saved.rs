//! A saved plan: reviewed now, applied later, unchanged.

use std::{
    collections::BTreeSet,
    fs::{File, OpenOptions, Permissions},
    io::{self, Read, Write},
    os::unix::fs::{OpenOptionsExt, PermissionsExt},
    path::Path,
};

use serde::{Deserialize, Serialize};
use serde_json::Value;
use sha2::{Digest, Sha256};
use up_core::Address;
use up_plan::Plan;

use crate::{Failure, Goal, Reason, Secrets};

/// The version of the file. It rises when a reader of the older form would misread the newer.
const FORMAT: u32 = 1;
/// The member that identifies a file as a saved plan.
const WHAT: &str = "bullstra-up plan";
/// The largest file that is read, in bytes.
const LARGEST: u64 = 256 * 1024 * 1024;

/// A plan with everything that is needed to apply it. The stack's files are not read again.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SavedPlan {
    /// The stack's file, as it was given.
    pub path: String,
    /// The desired state of the stack.
    pub goal: Goal,
    /// The plan.
    pub plan: Plan,
    /// Secrets in the goal and the plan: the stack's files, which say what is sensitive, are not read again.
    pub secrets: BTreeSet<String>,
}

#[derive(Serialize, Deserialize)]
struct Envelope {
    what: String,
    format: u32,
    /// SHA-256 of `saved` as compact JSON.
    checksum: String,
    saved: Value,
}

/// True for a path that should be a saved plan: JSON by name or content. Stacks are TOML, which begins with no brace.
pub fn is_saved(path: &Path) -> bool {
    let named = path.extension().is_some_and(|extension| extension == "json");
    let braced = || bytes(path, 4096).is_ok_and(|bytes| bytes.trim_ascii_start().starts_with(b"{"));
    named || braced()
}

/// At most the first `most` bytes of a file. Devices and pipes are refused: reading them may never end.
fn bytes(path: &Path, most: u64) -> io::Result<Vec<u8>> {
    if !path.metadata()?.is_file() {
        return Err(io::Error::other("this is not a regular file"));
    }
    let mut bytes = vec![];
    File::open(path)?.take(most).read_to_end(&mut bytes)?;
    Ok(bytes)
}

impl SavedPlan {
    /// Writes the plan to a file that only its owner can read: it holds everything that the stack's files say.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn write(&self, path: &Path) -> Result<(), Failure> {
        let saved = serde_json::to_value(self).expect("a plan is plain data");
        let envelope = Envelope { what: WHAT.into(), format: FORMAT, checksum: checksum(&saved), saved };
        let mut text = serde_json::to_vec_pretty(&envelope).expect("a plan is plain data");
        text.push(b'\n');
        let written = || -> io::Result<()> {
            let mut file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(path)?;
            // An existing file would keep its mode.
            if file.metadata()?.is_file() {
                file.set_permissions(Permissions::from_mode(0o600))?;
            }
            file.write_all(&text)
        };
        written().map_err(|error| {
            Failure::new(Reason::Failed, format!("failed to write {}: {error}", path.display()))
                .hint("`--out` must name a file in an existing folder that can be written to")
        })
    }

    /// Reads a saved plan; its secrets are masked from now on.
    ///
    /// # Errors
    /// The file is not a saved plan of this version, or was changed since.
    pub(crate) fn read(path: &Path, secrets: &Secrets) -> Result<SavedPlan, Failure> {
        let shown = path.display();
        let wrong = |message: String| {
            Failure::new(Reason::Input, message).hint("make a new one: `bullstra-up plan … --out FILE`")
        };
        let bytes = bytes(path, LARGEST).map_err(|error| {
            let failure = Failure::new(Reason::Input, format!("failed to read {shown}: {error}"));
            failure.hint("check the path: a name that ends in `.json` is read as a saved plan")
        })?;
        let value: Value =
            serde_json::from_slice(&bytes).map_err(|error| wrong(format!("{shown} is not a saved plan: {error}")))?;
        if value["what"] != WHAT {
            return Err(wrong(format!("{shown} is JSON, but not a saved plan")));
        }
        match value["format"].as_u64() {
            Some(format) if format == u64::from(FORMAT) => {}
            Some(format) if format > u64::from(FORMAT) => {
                let message = format!(
                    "{shown} has format {format}, written by a newer bullstra-up; this version reads format {FORMAT}"
                );
                return Err(wrong(message));
            }
            _ => return Err(wrong(format!("{shown} does not say which format it has"))),
        }
        let envelope: Envelope =
            serde_json::from_value(value).map_err(|error| wrong(format!("{shown} is damaged: {error}")))?;
        if checksum(&envelope.saved) != envelope.checksum {
            return Err(wrong(format!("{shown} was changed after it was saved: its checksum does not match")));
        }
        // Checked before the fields are read: another format may have other fields.
        let format = &envelope.saved["plan"]["format"];
        if *format != up_plan::FORMAT {
            let known = up_plan::FORMAT;
            let message =
                format!("{shown} was written by another version of bullstra-up: plan format {format}, not {known}");
            return Err(wrong(message));
        }
        let saved: SavedPlan = serde_json::from_value(envelope.saved)
            .map_err(|error| wrong(format!("{shown} cannot be read: {error}")))?;
        secrets.add(&saved.secrets);
        secrets.add_declared(&saved.goal.resources);
        let target = saved.goal.target();
        if !(Address::is_word(target.stack) && Address::is_word(target.region)) {
            return Err(wrong(format!("{shown} names an invalid stack or region")));
        }
        Ok(saved)
    }
}

fn checksum(saved: &Value) -> String {
    format!("{:x}", Sha256::digest(saved.to_string()))
}

#[cfg(test)]
mod tests {
    use std::fs;

    use proptest::prelude::*;
    use up_core::Declared;
    use up_plan::LiveStack;
    use up_stack::Stack;

    use super::*;
    use crate::{
        PlanOptions,
        fuzz::{spoils, spoilt, tries},
    };

    fn saved() -> SavedPlan {
        let resources = vec![Declared::new(
            Address::root("logs.log_group", "orders"),
            serde_json::json!({ "name": "orders", "retention_in_days": 30 }),
        )];
        let stack = Stack {
            name: "prod".into(),
            region: "us-east-1".into(),
            accounts: vec![],
            role: None,
            protect: true,
            ttl: None,
            backend: None,
            tags: [].into(),
            resources: resources.clone(),
            outputs: [].into(),
            secrets: [].into(),
            accept: vec![],
            root: ".".into(),
        };
        let wanted = up_plan::Wanted { protect: true, ..up_plan::Wanted::new("prod", &resources) };
        let plan = up_plan::plan(&wanted, &LiveStack::default(), &up_kinds::model);
        let goal = Goal::apply(stack, &PlanOptions::default());
        SavedPlan { path: "stacks/prod.toml".into(), goal, plan, secrets: ["saved-secret".to_owned()].into() }
    }

    #[test]
    fn reads_back_what_was_written_and_notices_every_change() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("plan");
        saved().write(&path).unwrap();
        assert!(is_saved(&path));
        assert_eq!(SavedPlan::read(&path, &Secrets::default()).unwrap(), saved());
        let text = fs::read_to_string(&path).unwrap();
        for (changed, complaint) in [
            (text.replace("us-east-1", "us-east-2"), "its checksum does not match"),
            (text.replacen("\"format\": 1", "\"format\": 2", 1), "newer bullstra-up"),
            (text.replacen("\"format\": 1", "\"format\": \"1\"", 1), "which format"),
            (text.replace(WHAT, "something else"), "not a saved plan"),
            (text[..text.len() / 2].to_owned(), "not a saved plan"),
            (String::new(), "not a saved plan"),
        ] {
            fs::write(&path, changed).unwrap();
            let failure = SavedPlan::read(&path, &Secrets::default()).unwrap_err();
            assert!(failure.message.contains(complaint), "{}", failure.message);
            assert_eq!(failure.reason, Reason::Input);
        }
    }

    #[test]
    fn only_its_owner_can_read_it_even_where_others_could_before() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("plan");
        fs::write(&path, "old").unwrap();
        fs::set_permissions(&path, Permissions::from_mode(0o644)).unwrap();
        saved().write(&path).unwrap();
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    }

    #[test]
    fn devices_are_no_plans() {
        assert!(!is_saved(Path::new("/dev/zero")));
        assert!(
            SavedPlan::read(Path::new("/dev/zero"), &Secrets::default())
                .unwrap_err()
                .message
                .contains("not a regular file")
        );
    }

    const WORDS: &[&str] = &[
        "{",
        "}",
        "[",
        "]",
        "\"",
        ":",
        ",",
        "null",
        "true",
        "-1",
        "1e999",
        "99999999999999999999",
        "\u{0}",
        "\u{1b}[2J",
        "\\ud800",
        "\"$ref\":\"x\"",
        "../../etc",
        "us-east-1",
        "\"format\": 1",
        "\"after\": [7]",
        "\"type\": \"delete\"",
        "\u{e000}",
    ];

    proptest! {
        #![proptest_config(tries(500))]

        #[test]
        fn a_spoilt_plan_is_refused_or_the_same(spoils in spoils(WORDS), signed in any::<bool>()) {
            let folder = tempfile::tempdir().unwrap();
            let path = folder.path().join("plan.json");
            saved().write(&path).unwrap();
            let mut bytes = spoilt(&fs::read(&path).unwrap(), &spoils);
            // A changed plan may have a valid checksum.
            let parsed: Option<Value> = serde_json::from_slice(&bytes).ok();
            if let Some(mut envelope) = parsed.filter(|envelope| signed && envelope["saved"].is_object()) {
                envelope["checksum"] = checksum(&envelope["saved"]).into();
                bytes = serde_json::to_vec(&envelope).unwrap();
            }
            fs::write(&path, bytes).unwrap();
            match SavedPlan::read(&path, &Secrets::default()) {
                Ok(read) if !signed => prop_assert_eq!(read, saved()),
                Ok(read) => prop_assert!(read.plan.is_same(&read.plan)),
                Err(failure) => prop_assert_eq!(failure.reason, Reason::Input),
            }
        }
    }

    #[test]
    fn a_stack_is_no_saved_plan() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("prod.toml");
        fs::write(&path, "[stack]\nname = \"prod\"\n").unwrap();
        assert!(!is_saved(&path));
        assert!(is_saved(Path::new("plan.json")));
    }
}

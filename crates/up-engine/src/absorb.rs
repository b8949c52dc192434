//! Writes into a stack's file what others have changed in AWS.

use std::{fs, io::Write as _, path::PathBuf};

use serde::Serialize;
use serde_json::Value;
use tempfile::NamedTempFile;
use up_core::{Address, Declared, same, schema::Schema};
use up_plan::drift::{DriftClass, Finding};
use up_stack::{FieldEdit, Stack};

use crate::{DriftOptions, Engine, Failure, MASK, Reason, SessionOptions};

/// What was written into a stack's files.
#[derive(Debug, Clone, Serialize)]
pub struct Absorbed {
    /// The resource.
    pub address: Address,
    /// The file with its declaration.
    pub file: PathBuf,
    /// The fields that have their live values in the file now.
    pub fields: Vec<String>,
}

impl Engine {
    /// Writes the live values of the fields of one resource that were changed outside into the file that declares it. `load` reads
    /// the stack again: where the file does not say what is live then, it is put back as it was. Changes nothing in AWS.
    ///
    /// # Errors
    /// When AWS or the history cannot be reached, nothing has changed, or the declaration cannot be edited.
    pub async fn absorb(
        &self,
        stack: &Stack,
        address: &Address,
        session: &SessionOptions,
        load: impl Fn() -> Result<Stack, Failure>,
    ) -> Result<Absorbed, Failure> {
        let report = self.drift(stack, session, DriftOptions::default()).await?;
        let changed = report.findings.iter().find(|it| it.address == *address && it.class == DriftClass::Changed);
        let declared = stack.resources.iter().find(|declared| declared.address == *address);
        let (Some(finding), Some(declared)) = (changed, declared) else { return Err(unchanged(address)) };
        let file = PathBuf::from(&declared.origin.file);
        let edits = edits(finding, declared)?;
        let refused = |why: String| refused(address, declared, &why);
        let shared = stack.resources.iter().filter(|other| other.origin == declared.origin).count();
        if shared > 1 {
            let why = "by `for_each`, or as a module that is used more than once; edit them by hand";
            return Err(refused(format!("the same lines declare {shared} resources, {why}")));
        }
        let kind = up_kinds::model(&address.kind).expect("a declared kind is known");
        let schema = Schema::read(kind.schema().as_value());
        let old = fs::read_to_string(&file).map_err(|error| refused(error.to_string()))?;
        let new = up_stack::edit(&old, address, &edits, &schema).map_err(refused)?;
        write(&file, &new).map_err(|error| refused(error.to_string()))?;
        match load().map(|stack| says(&stack, address, &edits)) {
            Ok(true) => {
                let fields = edits.into_iter().map(|edit| edit.field).collect();
                Ok(Absorbed { address: address.clone(), file, fields })
            }
            wrong => {
                write(&file, &old).map_err(|error| refused(error.to_string()))?;
                let why = match wrong {
                    Err(failure) => format!("the stack would be invalid with the live value: {}", failure.message),
                    Ok(_) => "the declaration would not have the live value; edit it by hand".to_owned(),
                };
                Err(refused(why))
            }
        }
    }
}

fn edits(finding: &Finding, declared: &Declared) -> Result<Vec<FieldEdit>, Failure> {
    let edits = finding.fields.iter().map(|field| {
        if field.live.to_string().contains(MASK) {
            let message =
                format!("{}: `{}` holds a secret, which is not written into a file", finding.address, field.field);
            return Err(Failure::new(Reason::Refused, message));
        }
        Ok(FieldEdit { field: field.field.clone(), declared: value(declared, &field.field), value: field.live.clone() })
    });
    edits.collect()
}

/// The declared value of a field, or of a tag.
fn value(declared: &Declared, field: &str) -> Value {
    match field.strip_prefix("tags.") {
        Some(tag) => declared.tags.get(tag).map_or(Value::Null, |value| value.as_str().into()),
        None => declared.spec.get(field).cloned().unwrap_or_default(),
    }
}

/// True if the stack declares the values of `edits`.
fn says(stack: &Stack, address: &Address, edits: &[FieldEdit]) -> bool {
    let declared = stack.resources.iter().find(|declared| declared.address == *address);
    declared.is_some_and(|declared| edits.iter().all(|edit| same(&edit.value, &value(declared, &edit.field))))
}

/// Replaces a file at once: a reader sees the old text or the new one.
fn write(file: &PathBuf, text: &str) -> std::io::Result<()> {
    let folder = file.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(".".as_ref());
    let mut temporary = NamedTempFile::new_in(folder)?;
    temporary.write_all(text.as_bytes())?;
    temporary.as_file().set_permissions(fs::metadata(file)?.permissions())?;
    temporary.persist(file).map_err(|error| error.error)?;
    Ok(())
}

fn refused(address: &Address, declared: &Declared, why: &str) -> Failure {
    let at = format!("{}:{}", declared.origin.file, declared.origin.line);
    Failure::new(Reason::Refused, format!("cannot write {address} into {at}: {why}"))
}

fn unchanged(address: &Address) -> Failure {
    let failure = Failure::new(Reason::Input, format!("no field of {address} was changed outside"));
    failure
        .hint("`drift` lists what was; a missing resource is removed from the file by hand, or made again by `apply`")
}

//! Faults that the sandbox plays to one account's calls.

use serde_json::{Value, json};

use crate::harness::{Account, Result, fail};

/// A refusal of the first `times` calls of an operation.
pub(crate) fn refusal(service: &str, operation: &str, times: u32, code: &str, message: &str) -> Value {
    let refuse = json!({ "status": 400, "code": code, "message": message });
    json!({ "match": { "service": service, "operation": operation }, "times": times, "do": { "refuse": refuse } })
}

impl Account {
    /// Plants faults in place of all earlier ones.
    pub(crate) fn plant(&self, faults: &Value) -> Result {
        self.tell(&self.of_us("faults"), &json!({ "faults": faults }))
    }

    /// The same, with the seed of what is left to chance.
    pub(crate) fn plant_with_seed(&self, seed: u64, faults: &Value) -> Result {
        self.tell(&self.of_us("faults"), &json!({ "seed": seed, "faults": faults }))
    }

    /// Removes all faults.
    pub(crate) fn unplant(&self) -> Result {
        self.plant(&json!([]))
    }

    /// The planted faults, each with the number of times that it acted.
    pub(crate) fn planted(&self) -> Result<Vec<Value>> {
        let sets = self.control(&self.of_us("faults"))?;
        let sets = sets["faults"].as_array().into_iter().flatten();
        let ours = sets.filter(|set| set["access_key"] == self.id.as_str()).flat_map(|set| set["faults"].as_array());
        Ok(ours.flatten().cloned().collect())
    }

    /// Fails unless each planted fault has acted once, and removes them.
    pub(crate) fn each_acted_once(&self) -> Result {
        let unheard: Vec<_> = self.planted()?.into_iter().filter(|fault| fault["acted"] != 1).collect();
        self.unplant()?;
        if unheard.is_empty() { Ok(()) } else { fail(format!("never said: {unheard:?}")) }
    }

    /// True once a call is held; waits for one for so many seconds.
    pub(crate) fn is_held(&self, seconds: u32) -> Result<bool> {
        let held = self.control(&format!("{}&wait={seconds}", self.of_us("held")))?;
        Ok(held["held"].as_array().is_some_and(|held| !held.is_empty()))
    }

    /// Lets the held calls go on, or drops them.
    pub(crate) fn release(&self, then: &str) -> Result {
        self.tell("release", &json!({ "access_key": self.id, "then": then }))
    }

    fn of_us(&self, endpoint: &str) -> String {
        format!("{endpoint}?access_key={}", self.id)
    }
}

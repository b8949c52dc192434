//! An AWS to play with: moto and what it lacks, in a private Python environment on a loopback port.
//!
//! The Python package is carried inside the binary. [`start`] makes its environment the first time, which takes half a
//! minute and the network, and leaves a process running that outlives its parent; [`stop`] ends it. The other
//! functions speak to the control endpoints of a running one.

pub mod control;
mod environment;
mod error;
mod home;
mod instance;
mod package;
mod process;
mod python;

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};

pub use error::Error;
pub use instance::SandboxStatus;

use home::SandboxFolder;
use instance::SandboxInstance;

/// What a function of this crate gives.
pub type Result<T> = std::result::Result<T, Error>;

/// Which sandbox is meant, and how it is started.
#[derive(Clone)]
pub struct SandboxOptions {
    /// Tells sandboxes that run side by side apart; letters, digits, `-` and `_`. `default` by default.
    pub name: String,
    /// Where environments and instances are kept; by default `$BULLSTRA_UP_SANDBOX_HOME`, else `bullstra-up/sandbox` in
    /// the user's cache folder.
    pub home: Option<PathBuf>,
    /// The loopback port; 0, the default, takes a free one.
    pub port: u16,
    /// Ends the sandbox once nobody has asked anything for so long; by default it runs until stopped.
    pub idle: Option<Duration>,
    /// Told what a start is doing that takes long.
    pub progress: Option<Arc<dyn Fn(SandboxProgress) + Send + Sync>>,
}

impl Default for SandboxOptions {
    fn default() -> Self {
        Self { name: "default".to_owned(), home: None, port: 0, idle: None, progress: None }
    }
}

impl fmt::Debug for SandboxOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { name, home, port, idle, progress: _ } = self;
        f.debug_struct("SandboxOptions")
            .field("name", name)
            .field("home", home)
            .field("port", port)
            .field("idle", idle)
            .finish_non_exhaustive()
    }
}

/// A step of a start that takes long.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum SandboxProgress {
    /// A virtual environment is being made.
    CreatingEnvironment,
    /// Packages are being installed.
    Installing {
        /// The package pip has come to.
        package: String,
        /// How many it has come to so far.
        done: usize,
        /// How many there are.
        total: usize,
    },
    /// The sandbox's process is starting.
    Starting,
}

/// Starts the sandbox, or finds it running.
///
/// Two starts at once are safe: the second waits for the first and finds its sandbox.
///
/// # Errors
///
/// Where there is no suitable Python, its packages cannot be installed, or the process does not come up.
pub async fn start(options: &SandboxOptions) -> Result<SandboxStatus> {
    let home = SandboxFolder::of(options)?;
    let instance = SandboxInstance::of(&home, &options.name)?;
    let _lock = home::lock(&instance.lock_file()).await?;
    if let Some(running) = instance.status().await? {
        return Ok(running);
    }
    let python = environment::ready(&home, options).await?;
    let package = package::unpack(&home).await?;
    options.tell(SandboxProgress::Starting);
    process::spawn(&instance, &python, &package, options).await
}

/// The Python interpreter of the sandbox's environment, which also holds boto3; the environment is made if need be.
///
/// # Errors
///
/// Where there is no suitable Python, or its packages cannot be installed.
pub async fn python(options: &SandboxOptions) -> Result<PathBuf> {
    environment::ready(&SandboxFolder::of(options)?, options).await
}

/// Stops the sandbox and says whether there was one running.
///
/// # Errors
///
/// Where its process cannot be ended.
pub async fn stop(options: &SandboxOptions) -> Result<bool> {
    let instance = SandboxInstance::of(&SandboxFolder::of(options)?, &options.name)?;
    let _lock = home::lock(&instance.lock_file()).await?;
    instance.stop().await
}

/// The running sandbox, if its process lives and answers.
///
/// # Errors
///
/// Where the record of it cannot be read.
pub async fn status(options: &SandboxOptions) -> Result<Option<SandboxStatus>> {
    SandboxInstance::of(&SandboxFolder::of(options)?, &options.name)?.status().await
}

/// Empties the sandbox's world, its record of calls and its settings.
///
/// # Errors
///
/// Where no sandbox runs or it refuses.
pub async fn reset(options: &SandboxOptions) -> Result<()> {
    control::post(&endpoint(options).await?, "reset", &json!({})).await.map(drop)
}

/// Everything that exists, as `{"resources": [{type, id, account, region, tags, attributes}], "unavailable": […]}`.
///
/// A `region` that was never used has its default network too; without one, all regions ever used are looked at.
///
/// # Errors
///
/// Where no sandbox runs or it refuses.
pub async fn dump(options: &SandboxOptions, region: Option<&str>) -> Result<Value> {
    let query = region.map(|region| format!("?region={region}")).unwrap_or_default();
    control::get(&endpoint(options).await?, &format!("dump{query}")).await
}

/// The calls made after number `since`, as `{"last": …, "calls": […]}`; `last` is the number to ask with next time.
///
/// # Errors
///
/// Where no sandbox runs or it refuses.
pub async fn calls(options: &SandboxOptions, since: u64) -> Result<Value> {
    control::get(&endpoint(options).await?, &format!("calls?since={since}")).await
}

/// Changes settings, such as `{"time_scale": 0}` or `{"policy": {…}}`, and gives all of them.
///
/// # Errors
///
/// Where no sandbox runs or it refuses a setting.
pub async fn configure(options: &SandboxOptions, settings: &Value) -> Result<Value> {
    control::post(&endpoint(options).await?, "config", settings).await
}

async fn endpoint(options: &SandboxOptions) -> Result<String> {
    let running = status(options).await?;
    Ok(running.ok_or_else(|| Error::NotRunning { name: options.name.clone() })?.endpoint)
}

impl SandboxOptions {
    /// The default options for the instance called `name`.
    pub fn named(name: impl Into<String>) -> Self {
        Self { name: name.into(), ..Self::default() }
    }

    pub(crate) fn tell(&self, progress: SandboxProgress) {
        if let Some(progress_of) = &self.progress {
            progress_of(progress);
        }
    }
}

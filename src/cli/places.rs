//! Where `ctl` reads: the flags, or the demo folder, which it finds by itself.

use super::server::{Server, ServerUrl};
use super::tls::TlsFiles;
use crate::aws;
use crate::model::location::Location;
use crate::reconcile::Clock;
use anyhow::{Context, anyhow, bail};
use jiff::Timestamp;
use serde::Deserialize;
use std::path::{Path, PathBuf};

/// The folder that `evenkeel demo` makes.
const DEMO_FOLDER: &str = ".evenkeel";
/// The file in it that says how to reach the simulated AWS.
const DEMO_FILE: &str = "demo.json";

/// The flags that every command has.
#[derive(Clone, Debug, Default, clap::Args)]
pub(super) struct Places {
    /// Where documents are
    #[arg(long, global = true, env = "EVENKEEL_STORE", hide_env_values = true, value_name = "file:DIR")]
    store: Option<Location>,
    /// Where the controller keeps its records
    #[arg(long, global = true, env = "EVENKEEL_STATE", hide_env_values = true, value_name = "file:DIR")]
    state: Option<Location>,
    /// A running controller to ask instead of reading its records
    #[arg(long, global = true, env = "EVENKEEL_SERVER", hide_env_values = true, value_name = "URL")]
    server: Option<ServerUrl>,
    /// File that holds the token which that controller wants
    #[arg(long, global = true, env = "EVENKEEL_TOKEN_FILE", hide_env_values = true, value_name = "FILE")]
    token_file: Option<PathBuf>,
    /// CA in PEM that signed its certificate; those whom this machine trusts when left out
    #[arg(long, global = true, env = "EVENKEEL_SERVER_CA", hide_env_values = true, value_name = "FILE")]
    server_ca: Option<PathBuf>,
    /// Certificate in PEM to show to it
    #[arg(long, global = true, env = "EVENKEEL_CLIENT_CERT", hide_env_values = true, value_name = "FILE")]
    client_cert: Option<PathBuf>,
    /// Private key in PEM of this certificate
    #[arg(long, global = true, env = "EVENKEEL_CLIENT_KEY", hide_env_values = true, value_name = "FILE")]
    client_key: Option<PathBuf>,
}

/// What `evenkeel demo` says of itself.
#[derive(Clone, Debug, Deserialize)]
pub(super) struct Demo {
    /// Where simulated AWS listens.
    endpoint: String,
    /// The region of its documents.
    #[serde(default)]
    region: Option<String>,
    /// How many times faster than real time its time runs.
    speed: f64,
    /// What its clock showed at a real time.
    #[serde(default)]
    clock: Option<DemoClock>,
}

#[derive(Clone, Debug, Deserialize)]
struct DemoClock {
    simulated: Timestamp,
    real: Timestamp,
}

impl Places {
    /// The controller to ask, if one is given.
    ///
    /// # Errors
    ///
    /// When a state folder is given, too: they may be of two controllers. When a certificate or its
    /// key is missing.
    pub(super) fn server(&self) -> anyhow::Result<Option<Server>> {
        let Some(url) = &self.server else { return Ok(None) };
        if let Some(state) = &self.state {
            bail!(
                "both --server {url} and --state {state} are given (or EVENKEEL_SERVER and EVENKEEL_STATE): leave one out"
            );
        }
        let own = match (&self.client_cert, &self.client_key) {
            (Some(cert), Some(key)) => Some((cert.clone(), key.clone())),
            (None, None) => None,
            _ => bail!("--client-cert and --client-key go together: one of them is missing"),
        };
        let tls = TlsFiles { ca: self.server_ca.clone(), own };
        Ok(Some(Server::new(url.clone(), self.token_file.clone(), tls)))
    }

    /// Where records are.
    ///
    /// # Errors
    ///
    /// When nothing says so. A server is no such place: it is only read from.
    pub(super) fn state(&self) -> anyhow::Result<Location> {
        self.location(self.state.as_ref(), "state", "--state file:DIR (or EVENKEEL_STATE)")
    }

    /// Where documents are.
    pub(super) fn store(&self) -> anyhow::Result<Location> {
        self.location(self.store.as_ref(), "specs", "--store file:DIR (or EVENKEEL_STORE)")
    }

    fn location(&self, given: Option<&Location>, name: &str, flag: &str) -> anyhow::Result<Location> {
        if let Some(given) = given {
            return Ok(given.clone());
        }
        if let Some(url) = &self.server {
            bail!("{url} is only read from (ctl status, describe, events, wait); this needs {flag}");
        }
        let folder = self.demo_folder()?.ok_or_else(|| {
            anyhow!(
                "no demo folder ({DEMO_FOLDER}/) here or in a folder above; say where to look with {flag}"
            )
        })?;
        Ok(Location::File(folder.join(name)))
    }

    /// The demo that the given folders belong to, or the one found here or above; `None` means the
    /// real AWS.
    ///
    /// # Errors
    ///
    /// When what the demo says of itself cannot be read.
    pub(super) fn demo(&self) -> anyhow::Result<Option<Demo>> {
        let Some(folder) = self.demo_folder()? else { return Ok(None) };
        let path = folder.join(DEMO_FILE);
        if !path.is_file() {
            return Ok(None);
        }
        let text = std::fs::read(&path).with_context(|| format!("cannot read {}", path.display()))?;
        let demo = serde_json::from_slice(&text).with_context(|| {
            format!("{} is not what `evenkeel demo` writes; start the demo again", path.display())
        })?;
        Ok(Some(demo))
    }

    /// The folder whose `specs` and `state` are meant. A path that was given decides: what is found
    /// by walking up must not be mixed with it.
    fn demo_folder(&self) -> anyhow::Result<Option<PathBuf>> {
        if let Some(given) = self.state.as_ref().or(self.store.as_ref()) {
            let folder =
                given.path().and_then(Path::parent).filter(|folder| folder.join(DEMO_FILE).is_file());
            return Ok(folder.map(Path::to_owned));
        }
        if self.server.is_some() {
            return Ok(None);
        }
        let here = std::env::current_dir().context("cannot tell the current folder")?;
        Ok(here.ancestors().map(|above| above.join(DEMO_FOLDER)).find(|folder| folder.is_dir()))
    }

    /// The clock that the controller goes by; `latest` is the latest time in its records, for a
    /// demo that does not say more.
    pub(super) fn clock(&self, latest: Option<Timestamp>) -> anyhow::Result<Clock> {
        let real = Clock::real();
        let Some(demo) = self.demo()? else { return Ok(real) };
        let now = match (demo.clock, latest) {
            (Some(clock), _) => {
                let passed = real.now().duration_since(clock.real).as_secs_f64().max(0.0);
                clock.simulated + std::time::Duration::from_secs_f64(passed * demo.speed)
            }
            (None, Some(latest)) => latest,
            (None, None) => return Ok(real),
        };
        Ok(Clock::simulated(now, demo.speed))
    }

    /// The region of the demo, if there is one.
    pub(super) fn region(&self) -> anyhow::Result<Option<String>> {
        Ok(self.demo()?.and_then(|demo| demo.region))
    }

    /// How to reach AWS: the demo's, or the real one with the standard configuration.
    pub(super) fn aws(&self) -> anyhow::Result<aws::Settings> {
        Ok(match self.demo()? {
            Some(demo) => {
                let simulated = aws::Settings::simulated(demo.endpoint);
                aws::Settings { pace: aws::Pace { speed: demo.speed, ..simulated.pace }, ..simulated }
            }
            None => aws::Settings::default(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn places(state: Option<&Path>, store: Option<&Path>) -> Places {
        let file = |path: &Path| Location::File(path.to_owned());
        Places { state: state.map(file), store: store.map(file), ..Places::default() }
    }

    #[test]
    fn a_state_folder_of_a_demo_brings_its_store_along() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(
            dir.path().join(DEMO_FILE),
            r#"{"endpoint": "http://127.0.0.1:1", "region": "r", "speed": 20.0}"#,
        )
        .unwrap();
        let places = places(Some(&dir.path().join("state")), None);
        assert_eq!(places.store().unwrap(), Location::File(dir.path().join("specs")));
        assert_eq!(places.demo().unwrap().map(|demo| demo.endpoint).as_deref(), Some("http://127.0.0.1:1"));
    }

    #[test]
    fn a_store_that_is_not_given_is_not_guessed_next_to_a_given_state() {
        let dir = tempfile::tempdir().unwrap();
        let error = places(Some(&dir.path().join("state")), None).store().unwrap_err().to_string();
        assert!(error.contains("--store file:DIR"), "{error}");
    }
}

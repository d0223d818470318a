//! Clients of the SDK, one set per account and region, and the one way in which a call is made.
//!
//! Every call goes through [`Clients::read`] or [`Clients::write`]: take from the budget, send,
//! sort the error, and try again where that is harmless. The SDK itself sends each request once.
//! Its own retries would go out without asking the budget, and it cannot know which of our writes
//! may be sent twice: RegisterTaskDefinition, sent again after a lost answer, makes a second
//! revision.
//!
//! **Guarantees**: behaviour version and retries are fixed here, not by the environment; a call
//! that may not be repeated is sent again only when AWS said that it did nothing (throttled).

use super::budget::{AttemptOutcome, Budget, Caller, Category, Pace, Usage, Waiting};
use super::error::{Error, Kind};
use crate::model::arn::Arn;
use crate::model::kinds::Placement;
use aws_config::environment::region::EnvironmentVariableRegionProvider;
use aws_config::meta::region::RegionProviderChain;
use aws_config::profile::ProfileFileRegionProvider;
use aws_config::sts::AssumeRoleProvider;
use aws_config::timeout::TimeoutConfig;
use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_credential_types::Credentials;
use aws_credential_types::provider::SharedCredentialsProvider;
use aws_smithy_async::rt::sleep::{AsyncSleep, SharedAsyncSleep, TokioSleep};
use aws_smithy_async::time::TimeSource;
use aws_smithy_async::time::{SharedTimeSource, SystemTimeSource};
use aws_smithy_runtime_api::client::http::{HttpClient, SharedHttpClient};
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_smithy_runtime_api::client::result::SdkError;
use aws_smithy_runtime_api::client::stalled_stream_protection::StalledStreamProtectionConfig;
use aws_smithy_types::error::metadata::ProvideErrorMetadata;
use aws_smithy_types::retry::RetryConfig;
use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};
use tokio::sync::OnceCell;

/// How to reach AWS. The default reaches the real one with the standard chain of credentials.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Another endpoint for every service; unset means AWS's own, or what `AWS_ENDPOINT_URL` and
    /// the profile say.
    pub endpoint_url: Option<String>,
    /// Another way to carry requests, such as a simulation in this process.
    pub http_client: Option<SharedHttpClient>,
    /// Fixed credentials. Together with `http_client` they mean a simulated AWS: neither
    /// environment nor profile is read.
    pub credentials: Option<SharedCredentialsProvider>,
    /// Another clock for signing and the expiry of credentials.
    pub time_source: Option<SharedTimeSource>,
    /// Another way to wait, for timeouts and between attempts.
    pub sleep: Option<SharedAsyncSleep>,
    /// Attempts per call, the first one included.
    pub attempts: u32,
    /// Longest time for one attempt.
    pub attempt_timeout: Duration,
    /// Longest time for one request with everything that the SDK does for it, such as fetching
    /// credentials.
    pub operation_timeout: Duration,
    /// What of AWS's published rates may be used.
    pub pace: Pace,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            endpoint_url: None,
            http_client: None,
            credentials: None,
            time_source: None,
            sleep: None,
            attempts: 3,
            attempt_timeout: Duration::from_secs(10),
            operation_timeout: Duration::from_secs(60),
            pace: Pace::default(),
        }
    }
}

impl Settings {
    /// A simulated AWS on a port of this machine: fixed credentials, no profile of a person is
    /// used.
    pub fn simulated(endpoint_url: String) -> Self {
        let credentials = Credentials::new("AKIASIMULATED", "simulated", None, None, "simulated");
        Self {
            endpoint_url: Some(endpoint_url),
            credentials: Some(SharedCredentialsProvider::new(credentials)),
            ..Self::default()
        }
    }

    /// A simulated AWS in this process: requests go to `client` and time is what `now` says;
    /// neither environment nor profile is read, and there is no budget.
    pub fn closed(
        client: impl HttpClient + 'static,
        now: impl Fn() -> jiff::Timestamp + Send + Sync + 'static,
    ) -> Self {
        let credentials = Credentials::new("AKIASIMULATED", "simulated", None, None, "closed");
        Self {
            http_client: Some(SharedHttpClient::new(client)),
            credentials: Some(SharedCredentialsProvider::new(credentials)),
            time_source: Some(SharedTimeSource::new(ClosedTime(Box::new(now)))),
            pace: Pace { share: None, speed: 1.0 },
            ..Self::default()
        }
    }
}

/// The time of a simulated AWS, for signatures and the expiry of credentials.
struct ClosedTime(Box<dyn Fn() -> jiff::Timestamp + Send + Sync>);

impl fmt::Debug for ClosedTime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ClosedTime")
    }
}

impl TimeSource for ClosedTime {
    fn now(&self) -> SystemTime {
        (self.0)().into()
    }
}

/// Account, as far as it is known without asking, and region: what AWS throttles by.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Scope {
    /// Account id of the role that is assumed, or `own`.
    pub account: String,
    /// Region.
    pub region: String,
}

/// Where calls go: region and the role to assume.
type ClientKey = (String, Option<String>);

/// The way to AWS. Cheap to clone; all clones share clients and budgets.
#[derive(Clone, Debug)]
pub struct Aws {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    /// Made for the first placement that is asked for.
    base: OnceCell<SdkConfig>,
    settings: Settings,
    placements: tokio::sync::Mutex<BTreeMap<ClientKey, Arc<PlacementClients>>>,
    budgets: Mutex<BTreeMap<Scope, Arc<Budget>>>,
}

impl Aws {
    /// The standard configuration (environment, profile, container or instance role) is read once,
    /// for the first placement. No call of AWS is made.
    pub async fn connect(settings: Settings) -> Self {
        let shared = Shared {
            base: OnceCell::new(),
            settings,
            placements: Default::default(),
            budgets: Mutex::default(),
        };
        Self { shared: Arc::new(shared) }
    }

    /// The clients for a placement, made when first asked for. No call of AWS is made.
    pub async fn at(&self, placement: &Placement) -> Arc<PlacementClients> {
        let key = (placement.region.clone(), placement.role_arn.clone());
        let mut placements = self.shared.placements.lock().await;
        if let Some(clients) = placements.get(&key) {
            return Arc::clone(clients);
        }
        let clients = Arc::new(self.make(&key).await);
        placements.insert(key, Arc::clone(&clients));
        clients
    }

    /// The calls that wait for a budget now; those of one account and region in the order in which
    /// they will be let go.
    pub fn waiting(&self) -> Vec<Waiting> {
        self.budgets().values().flat_map(|budget| budget.waiting()).collect()
    }

    /// What was called so far, by account and region.
    pub fn usage(&self) -> BTreeMap<Scope, Usage> {
        self.budgets().iter().map(|(scope, budget)| (scope.clone(), budget.usage())).collect()
    }

    async fn make(&self, (region, role): &ClientKey) -> PlacementClients {
        let base = self.shared.base.get_or_init(|| base_config(&self.shared.settings, region)).await;
        let mut config = base.to_builder().region(Region::new(region.clone())).build();
        if let Some(role) = role {
            let provider = AssumeRoleProvider::builder(role.as_str())
                .session_name("evenkeel")
                .configure(&config)
                .build()
                .await;
            let provider = SharedCredentialsProvider::new(provider);
            config = config.into_builder().credentials_provider(provider).build();
        }
        // Only from here on: the assumption of the role itself may be repeated by the SDK.
        let config = config.into_builder().retry_config(RetryConfig::disabled()).build();
        let role = role.as_deref().and_then(Arn::parse);
        let account = role.map(|role| role.account).filter(|account| !account.is_empty()).unwrap_or("own");
        let scope = Scope { account: account.to_owned(), region: region.clone() };
        let budget = Arc::clone(
            self.budgets()
                .entry(scope)
                .or_insert_with(|| Arc::new(Budget::new(self.shared.settings.pace.clone()))),
        );
        PlacementClients {
            region: region.clone(),
            cloudwatch: aws_sdk_cloudwatch::Client::new(&config),
            ecs: aws_sdk_ecs::Client::new(&config),
            elb: aws_sdk_elasticloadbalancingv2::Client::new(&config),
            logs: aws_sdk_cloudwatchlogs::Client::new(&config),
            secrets: aws_sdk_secretsmanager::Client::new(&config),
            sts: aws_sdk_sts::Client::new(&config),
            budget,
            sleep: config.sleep_impl().unwrap_or_else(|| SharedAsyncSleep::new(TokioSleep::new())),
            attempts: self.shared.settings.attempts.max(1),
            account: Arc::default(),
            caller: Caller::default(),
            fence: None,
        }
    }

    fn budgets(&self) -> MutexGuard<'_, BTreeMap<Scope, Arc<Budget>>> {
        self.shared.budgets.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// `region` is where credentials are asked for (by STS or SSO) when neither environment nor profile
/// names a region: partitions know each other's credentials not.
async fn base_config(settings: &Settings, region: &str) -> SdkConfig {
    let timeouts = TimeoutConfig::builder()
        .operation_attempt_timeout(settings.attempt_timeout)
        .operation_timeout(settings.operation_timeout)
        .build();
    let sleep = settings.sleep.clone().unwrap_or_else(|| SharedAsyncSleep::new(TokioSleep::new()));
    let retries = RetryConfig::standard().with_max_attempts(settings.attempts.max(1));
    if let (Some(http_client), Some(credentials)) = (&settings.http_client, &settings.credentials) {
        let time = settings.time_source.clone();
        let mut closed = SdkConfig::builder()
            .behavior_version(BehaviorVersion::v2026_01_12())
            .http_client(http_client.clone())
            .credentials_provider(credentials.clone())
            .time_source(time.unwrap_or_else(|| SharedTimeSource::new(SystemTimeSource::new())))
            .sleep_impl(sleep)
            .retry_config(retries)
            .timeout_config(timeouts)
            .stalled_stream_protection(StalledStreamProtectionConfig::disabled());
        closed.set_endpoint_url(settings.endpoint_url.clone());
        return closed.build();
    }
    let mut standard = aws_config::defaults(BehaviorVersion::v2026_01_12())
        // Every placement names its own region, so the instance need not be asked for one.
        .region(
            RegionProviderChain::first_try(EnvironmentVariableRegionProvider::new())
                .or_else(ProfileFileRegionProvider::new())
                .or_else(Region::new(region.to_owned())),
        )
        .sleep_impl(sleep)
        .retry_config(retries)
        .timeout_config(timeouts);
    if let Some(url) = &settings.endpoint_url {
        standard = standard.endpoint_url(url);
    }
    if let Some(http_client) = &settings.http_client {
        standard = standard.http_client(http_client.clone());
    }
    if let Some(credentials) = &settings.credentials {
        standard = standard.credentials_provider(credentials.clone());
    }
    if let Some(time_source) = &settings.time_source {
        standard = standard.time_source(time_source.clone());
    }
    standard.load().await
}

/// Whether a write may be sent again when it is not known if it took effect.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Resend {
    /// Yes: it carries a client token, or sets something to a value.
    Harmless,
    /// No: a second one would make a second thing, or be answered as if the first had failed.
    Never,
}

/// Whether this process may still write for the deployment at hand.
pub trait Fence: Send + Sync {
    /// False once a lease is lost or a stop is asked for. Asked before every attempt of every
    /// write: while it waits for its turn, and right before it is sent. Once false, it must stay
    /// false.
    fn holds(&self) -> bool;
}

/// Clients of one account and region, without a fence.
pub type PlacementClients = Clients<'static>;

/// Clients of one account and region, and perhaps a fence that writes must pass.
#[derive(Clone)]
pub struct Clients<'fence> {
    /// The region.
    pub region: String,
    /// CloudWatch.
    pub cloudwatch: aws_sdk_cloudwatch::Client,
    /// Amazon ECS.
    pub ecs: aws_sdk_ecs::Client,
    /// Elastic Load Balancing v2.
    pub elb: aws_sdk_elasticloadbalancingv2::Client,
    /// CloudWatch Logs.
    pub logs: aws_sdk_cloudwatchlogs::Client,
    /// Secrets Manager.
    pub secrets: aws_sdk_secretsmanager::Client,
    sts: aws_sdk_sts::Client,
    budget: Arc<Budget>,
    sleep: SharedAsyncSleep,
    attempts: u32,
    account: Arc<OnceCell<String>>,
    caller: Caller,
    fence: Option<&'fence dyn Fence>,
}

impl fmt::Debug for Clients<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Clients").field("region", &self.region).finish_non_exhaustive()
    }
}

impl Clients<'_> {
    /// Secrets Manager in another region, with the same credentials.
    pub fn secrets_in(&self, region: &str) -> aws_sdk_secretsmanager::Client {
        let config = self.secrets.config().to_builder().region(Region::new(region.to_owned())).build();
        aws_sdk_secretsmanager::Client::from_conf(config)
    }

    /// The same clients with a fence that every write must pass.
    pub fn fenced<'fence>(&self, fence: &'fence dyn Fence) -> Clients<'fence> {
        Clients { fence: Some(fence), ..self.clone() }
    }

    /// The same clients, whose calls are made for this caller.
    #[must_use]
    pub fn made_for(&self, caller: &Caller) -> Self {
        Self { caller: caller.clone(), ..self.clone() }
    }

    /// Makes a call that changes nothing: `send` is called once per attempt.
    ///
    /// # Errors
    ///
    /// The last attempt's error.
    pub async fn read<T, E, Answer>(
        &self,
        category: Category,
        operation: &'static str,
        send: impl Fn() -> Answer,
    ) -> Result<T, Error>
    where
        Answer: Future<Output = Result<T, SdkError<E, HttpResponse>>>,
        E: ProvideErrorMetadata + std::error::Error + Send + Sync + 'static,
    {
        self.attempt(category, operation, Resend::Harmless, None, send).await
    }

    /// Makes a call that changes something: `send` is called once per attempt, if the fence holds.
    ///
    /// # Errors
    ///
    /// The last attempt's error; see [`Error::answered`] for whether the call may have taken
    /// effect.
    pub async fn write<T, E, Answer>(
        &self,
        category: Category,
        operation: &'static str,
        resend: Resend,
        send: impl Fn() -> Answer,
    ) -> Result<T, Error>
    where
        Answer: Future<Output = Result<T, SdkError<E, HttpResponse>>>,
        E: ProvideErrorMetadata + std::error::Error + Send + Sync + 'static,
    {
        self.attempt(category, operation, resend, self.fence, send).await
    }

    async fn attempt<T, E, Answer>(
        &self,
        category: Category,
        operation: &'static str,
        resend: Resend,
        fence: Option<&dyn Fence>,
        send: impl Fn() -> Answer,
    ) -> Result<T, Error>
    where
        Answer: Future<Output = Result<T, SdkError<E, HttpResponse>>>,
        E: ProvideErrorMetadata + std::error::Error + Send + Sync + 'static,
    {
        let mut attempt = 1;
        // An attempt without an answer leaves the whole call open, even if AWS then refuses to look
        // at the next one.
        let mut open = None;
        loop {
            let wanted = || fence.is_none_or(Fence::holds);
            if !self.budget.take(category, operation, &self.caller, wanted).await {
                return Err(open.unwrap_or_else(|| Error::fenced(operation)));
            }
            let error = match send().await {
                Ok(output) => {
                    self.budget.record(category, operation, AttemptOutcome::Success);
                    return Ok(output);
                }
                Err(error) => Error::from_sdk(operation, error),
            };
            let throttled = error.kind == Kind::Throttled;
            self.budget.record(
                category,
                operation,
                if throttled {
                    AttemptOutcome::Throttled
                } else {
                    AttemptOutcome::Failure(error.code.clone())
                },
            );
            let may_repeat = throttled || (error.kind == Kind::Transient && resend == Resend::Harmless);
            if !may_repeat || attempt >= self.attempts {
                let unheard = throttled || error.kind == Kind::Denied;
                return Err(if unheard { open.unwrap_or(error) } else { error });
            }
            if error.kind == Kind::Transient {
                open = Some(error);
            }
            self.sleep.sleep(backoff(attempt)).await;
            attempt += 1;
        }
    }

    /// Account id, asked for once.
    ///
    /// # Errors
    ///
    /// When STS cannot be asked; the next caller asks again.
    pub async fn account(&self) -> Result<&str, Error> {
        let ask = || async {
            const OPERATION: &str = "sts:GetCallerIdentity";
            let send = || self.sts.get_caller_identity().send();
            let identity = self.read(Category::Sts, OPERATION, send).await?;
            identity.account.ok_or_else(|| Error::bad_response(OPERATION, "no account in the answer"))
        };
        self.account.get_or_try_init(ask).await.map(String::as_str)
    }

    /// What was called so far in this account and region.
    pub fn usage(&self) -> Usage {
        self.budget.usage()
    }
}

/// Full jitter over one second, doubled per attempt, at most 20 seconds.
fn backoff(attempt: u32) -> Duration {
    let ceiling = f64::from(2_u32.saturating_pow(attempt - 1)).min(20.0);
    Duration::from_secs_f64(ceiling * fastrand::f64())
}

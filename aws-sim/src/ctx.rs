//! What a handler may know of the outside world: the time, where it is, and a source of chance.
//! Nothing else.

use jiff::Timestamp;

/// The surroundings of one call. Handlers take time and randomness only from here, which is what
/// makes the same calls at the same times give the same bytes.
#[derive(Debug)]
pub struct Ctx<'a> {
    /// Simulated time of the call.
    pub now: Timestamp,
    /// Region that the call was signed for, such as `eu-west-1`.
    pub region: &'a str,
    /// The twelve digits of the account.
    pub account: &'a str,
    /// Seeded source of ids and jitter.
    pub rng: &'a mut fastrand::Rng,
}

impl Ctx<'_> {
    /// A string of `len` lower-case hexadecimal digits, as AWS uses for task and load balancer ids.
    #[must_use]
    pub fn hex(&mut self, len: usize) -> String {
        (0..len).map(|_| char::from_digit(self.rng.u32(0..16), 16).expect("below sixteen")).collect()
    }

    /// A string of `len` decimal digits that does not start with zero, as ECS uses for deployment
    /// ids.
    #[must_use]
    pub fn digits(&mut self, len: usize) -> String {
        let digit =
            |rng: &mut fastrand::Rng, from| char::from_digit(rng.u32(from..10), 10).expect("below ten");
        (0..len).map(|i| digit(self.rng, u32::from(i == 0))).collect()
    }

    /// An id of UUID form (version 4 layout).
    #[must_use]
    pub fn uuid(&mut self) -> String {
        let bits = (self.rng.u128(..) & !(0xf << 76) & !(0x3 << 62)) | (0x4 << 76) | (0x2 << 62);
        let hex = format!("{bits:032x}");
        format!("{}-{}-{}-{}-{}", &hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..])
    }

    /// An ARN in this account and region: `arn:aws:<service>:<region>:<account>:<resource>`.
    #[must_use]
    pub fn arn(&self, service: &str, resource: &str) -> String {
        format!("arn:{}:{service}:{}:{}:{resource}", partition(self.region), self.region, self.account)
    }
}

/// The partition that a region belongs to: `aws`, `aws-cn` or `aws-us-gov`.
#[must_use]
pub fn partition(region: &str) -> &'static str {
    match region {
        r if r.starts_with("cn-") => "aws-cn",
        r if r.starts_with("us-gov-") => "aws-us-gov",
        _ => "aws",
    }
}

/// A time as awsJson sends it: seconds since 1970 with milliseconds as the fraction.
#[must_use]
pub fn epoch(at: Timestamp) -> serde_json::Value {
    let seconds = at.as_millisecond() as f64 / 1000.0;
    serde_json::Value::from(seconds)
}

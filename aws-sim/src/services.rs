//! The services that are simulated, a row each: how requests name them, what they speak and how
//! they refuse. A new service is its module and its row; the compiler then asks for its place in a
//! region, who answers, and its rate limits.

use crate::{cloudwatch, xml};

/// How a request is written, and thereby its answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Protocol {
    /// awsJson: the operation is named by `x-amz-target`.
    Json,
    /// awsQuery: a form with an `Action`, answered in XML.
    Query,
    /// Smithy RPC v2 CBOR: the operation is named by the path.
    Cbor,
}

/// What the wire and the world have to know of a service.
pub(crate) struct Row {
    /// The name that requests are signed for.
    pub signed: &'static str,
    /// The name that SDKs use, where it is another one.
    pub alias: Option<&'static str>,
    /// The prefix of `x-amz-target` and the name in paths; `None` for awsQuery alone.
    pub target: Option<&'static str>,
    /// The version of the API, by which awsQuery forms are told apart.
    pub version: &'static str,
    /// The protocols that it speaks; the first is the one to use in-process.
    pub protocols: &'static [Protocol],
    /// The media type of its awsJson answers.
    pub json_type: &'static str,
    /// The XML namespace of its awsQuery answers; empty for a service that has none.
    pub namespace: &'static str,
    /// The member of an error's body that holds the text.
    pub error_member: &'static str,
    /// The name of an error's shape, which `__type` names, by its code.
    pub error_shape: fn(&'static str) -> &'static str,
    /// Whether its clients know errors by the codes of awsQuery, whatever protocol they speak.
    pub query_compatible: bool,
    /// The code of its throttling error.
    pub throttling: &'static str,
    /// Whether it takes compressed requests.
    pub compressed: bool,
}

/// What services that speak awsJson 1.1 have in common.
const JSON: Row = Row {
    signed: "",
    alias: None,
    target: None,
    version: "",
    protocols: &[Protocol::Json],
    json_type: "application/x-amz-json-1.1",
    namespace: "",
    error_member: "message",
    error_shape: same_name,
    query_compatible: false,
    throttling: "ThrottlingException",
    compressed: false,
};

/// What services that speak awsQuery have in common.
const QUERY: Row = Row { protocols: &[Protocol::Query], throttling: "Throttling", ..JSON };

fn same_name(code: &'static str) -> &'static str {
    code
}

macro_rules! services {
    ($($(#[$doc:meta])* $service:ident => $row:expr;)+) => {
        /// The services that are simulated.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
        pub enum Service {
            $($(#[$doc])* $service,)+
        }

        impl Service {
            const ALL: &[Self] = &[$(Self::$service),+];

            /// What there is to know of it.
            pub(crate) fn row(self) -> &'static Row {
                match self {
                    $(Self::$service => {
                        const ROW: Row = $row;
                        &ROW
                    })+
                }
            }
        }
    };
}

services! {
    /// Amazon ECS, awsJson 1.1.
    Ecs => Row {
        signed: "ecs",
        target: Some("AmazonEC2ContainerServiceV20141113"),
        version: "2014-11-13",
        ..JSON
    };
    /// Elastic Load Balancing v2, awsQuery.
    Elbv2 => Row {
        signed: "elasticloadbalancing",
        alias: Some("elbv2"),
        version: "2015-12-01",
        namespace: xml::ELBV2,
        ..QUERY
    };
    /// Secrets Manager, awsJson 1.1.
    Secrets => Row {
        signed: "secretsmanager",
        target: Some("secretsmanager"),
        version: "2017-10-17",
        error_member: "Message",
        ..JSON
    };
    /// CloudWatch Logs, awsJson 1.1.
    Logs => Row {
        signed: "logs",
        target: Some("Logs_20140328"),
        version: "2014-03-28",
        ..JSON
    };
    /// Security Token Service, awsQuery.
    Sts => Row {
        signed: "sts",
        version: "2011-06-15",
        namespace: xml::STS,
        ..QUERY
    };
    /// CloudWatch, in awsJson 1.0, awsQuery and Smithy RPC v2 CBOR: SDKs differ in which one they
    /// choose.
    Cloudwatch => Row {
        signed: "monitoring",
        alias: Some("cloudwatch"),
        target: Some("GraniteServiceVersion20100801"),
        version: "2010-08-01",
        protocols: &[Protocol::Json, Protocol::Query, Protocol::Cbor],
        json_type: "application/x-amz-json-1.0",
        namespace: xml::CLOUDWATCH,
        error_shape: cloudwatch::error_shape,
        query_compatible: true,
        throttling: "Throttling",
        compressed: true,
        ..JSON
    };
}

impl Service {
    /// The name that requests are signed for.
    #[must_use]
    pub fn name(self) -> &'static str {
        self.row().signed
    }

    /// The service by the name that requests are signed for; the names that SDKs use, `elbv2` and
    /// `cloudwatch`, are understood, too.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Self::find(|row| row.signed == name || row.alias == Some(name))
    }

    /// The protocols that it speaks; the first is the one to use in-process.
    #[must_use]
    pub fn protocols(self) -> &'static [Protocol] {
        self.row().protocols
    }

    /// Whether calls in-process are awsQuery (form in, XML out) instead of awsJson.
    #[must_use]
    pub fn speaks_query(self) -> bool {
        self.protocols()[0] == Protocol::Query
    }

    /// The first service whose row fits.
    pub(crate) fn find(fits: impl Fn(&Row) -> bool) -> Option<Self> {
        Self::ALL.iter().copied().find(|service| fits(service.row()))
    }
}

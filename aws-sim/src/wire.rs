//! The wire: what a request asks for, and how an answer looks, in awsJson 1.1 and awsQuery.

use serde_json::Value;

use crate::{
    error::ApiError,
    form::Form,
    xml::{self, XmlBody},
};

/// The services that are simulated.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Service {
    /// Amazon ECS, awsJson 1.1.
    Ecs,
    /// Elastic Load Balancing v2, awsQuery.
    Elbv2,
    /// Secrets Manager, awsJson 1.1.
    Secrets,
    /// CloudWatch Logs, awsJson 1.1.
    Logs,
    /// Security Token Service, awsQuery.
    Sts,
}

/// Name in requests' signatures, prefix of `x-amz-target`, API version.
const SERVICES: [(Service, &str, &str, &str); 5] = [
    (Service::Ecs, "ecs", "AmazonEC2ContainerServiceV20141113", "2014-11-13"),
    (Service::Elbv2, "elasticloadbalancing", "", "2015-12-01"),
    (Service::Secrets, "secretsmanager", "secretsmanager", "2017-10-17"),
    (Service::Logs, "logs", "Logs_20140328", "2014-03-28"),
    (Service::Sts, "sts", "", "2011-06-15"),
];

impl Service {
    /// The name that requests are signed for.
    #[must_use]
    pub fn name(self) -> &'static str {
        SERVICES.iter().find(|row| row.0 == self).map_or("", |row| row.1)
    }

    /// The service by the name that requests are signed for; `elbv2` is understood, too.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        let name = if name == "elbv2" { "elasticloadbalancing" } else { name };
        SERVICES.iter().find(|row| row.1 == name).map(|row| row.0)
    }

    /// Whether it speaks awsQuery (form in, XML out) instead of awsJson.
    #[must_use]
    pub fn speaks_query(self) -> bool {
        matches!(self, Self::Elbv2 | Self::Sts)
    }
}

/// A request, as far as the simulation looks at it.
#[derive(Debug, Clone, PartialEq)]
pub struct Request {
    /// The region that it was signed for; `us-east-1` for an unsigned one.
    pub region: String,
    /// The service.
    pub service: Service,
    /// The operation, such as `DescribeServices`.
    pub operation: String,
    /// The body as it came.
    pub body: Vec<u8>,
    /// The access key of the signature.
    pub access_key: Option<String>,
}

/// An answer.
#[derive(Debug, Clone, PartialEq)]
pub struct Response {
    /// HTTP status.
    pub status: u16,
    /// The media type.
    pub content_type: &'static str,
    /// `x-amzn-requestid`.
    pub request_id: String,
    /// The body.
    pub body: Vec<u8>,
    /// The error code of an error.
    pub error: Option<&'static str>,
}

/// What a handler answers, before it is written.
#[derive(Debug)]
pub enum Body {
    /// Text that is JSON already.
    Json(String),
    /// The result of an awsQuery action.
    Xml(XmlBody),
}

impl Request {
    /// Reads a request from its headers and body.
    ///
    /// # Errors
    /// AWS's protocol errors: an unknown service, target or action, or an encoding that these services do not use.
    pub fn read<'a>(header: impl Fn(&str) -> Option<&'a str>, body: &[u8]) -> Result<Self, ApiError> {
        let scope = header("authorization").and_then(Scope::read);
        if header("content-encoding").is_some_and(|coding| !matches!(coding, "identity" | "aws-chunked" | ""))
        {
            return Err(ApiError::new(
                415,
                "UnsupportedMediaTypeException",
                "These services take no compressed requests.",
            ));
        }
        let place = |service, operation: &str| Self {
            region: scope.as_ref().map_or("us-east-1", |scope| scope.region).to_owned(),
            service,
            operation: operation.to_owned(),
            body: body.to_vec(),
            access_key: scope.as_ref().map(|scope| scope.access_key.to_owned()),
        };
        if let Some((prefix, operation)) = header("x-amz-target").and_then(|target| target.split_once('.')) {
            let known = SERVICES.iter().find(|row| row.2 == prefix && !prefix.is_empty());
            return known.map(|row| place(row.0, operation)).ok_or_else(|| not_simulated(prefix));
        }
        let form = Form::parse(body);
        let Some(action) = form.get("Action") else {
            let text = "The request has neither an x-amz-target header nor an Action.";
            return Err(ApiError::new(400, "UnknownOperationException", text));
        };
        let version = form.get("Version").unwrap_or_default();
        let known = SERVICES.iter().find(|row| row.0.speaks_query() && row.3 == version);
        let by_name = || {
            scope.as_ref().and_then(|scope| Service::named(scope.service)).filter(|own| own.speaks_query())
        };
        match known.map(|row| row.0).or_else(by_name) {
            Some(service) => Ok(place(service, action)),
            None => Err(not_simulated(scope.as_ref().map_or(version, |scope| scope.service))),
        }
    }

    /// Whether it changes something, by its name.
    #[must_use]
    pub fn is_write(&self) -> bool {
        is_write(&self.operation)
    }

    /// The input of an awsJson request; an empty body is an empty object.
    ///
    /// # Errors
    /// `SerializationException` when it is not JSON.
    pub fn json(&self) -> Result<Value, ApiError> {
        if self.body.is_empty() {
            return Ok(Value::Object(serde_json::Map::new()));
        }
        serde_json::from_slice(&self.body)
            .map_err(|error| ApiError::new(400, "SerializationException", error.to_string()))
    }
}

/// Whether an operation changes something, by its name.
#[must_use]
pub fn is_write(operation: &str) -> bool {
    !["Describe", "List", "Get", "BatchGet", "Filter", "AssumeRole"]
        .iter()
        .any(|prefix| operation.starts_with(prefix))
}

fn not_simulated(what: &str) -> ApiError {
    ApiError::new(400, "UnknownOperationException", format!("The service {what} is not simulated."))
}

/// The credential scope of a signature: `Credential=KEY/20260101/eu-west-1/ecs/aws4_request`.
struct Scope<'a> {
    access_key: &'a str,
    region: &'a str,
    service: &'a str,
}

impl<'a> Scope<'a> {
    fn read(header: &'a str) -> Option<Self> {
        let scope = header.split_once("Credential=")?.1.split([',', ' ']).next()?;
        let mut parts = scope.rsplit('/').skip(1);
        let (service, region, _date) = (parts.next()?, parts.next()?, parts.next()?);
        let access_key = &scope[..scope.find('/')?];
        Some(Self { access_key, region, service })
    }
}

impl Response {
    /// Writes an answer or an error in the service's protocol.
    #[must_use]
    pub fn write(request: &Request, request_id: String, answer: Result<Body, ApiError>) -> Self {
        match answer {
            Ok(Body::Json(text)) => Self::new(200, "application/x-amz-json-1.1", request_id, text, None),
            Ok(Body::Xml(body)) => {
                let text = body.render(&request.operation, &request_id);
                Self::new(200, "text/xml", request_id, text, None)
            }
            Err(error) => Self::error(Some(request.service), request_id, &error),
        }
    }

    /// Writes an error; without a service, in awsJson.
    #[must_use]
    pub fn error(service: Option<Service>, request_id: String, error: &ApiError) -> Self {
        let text = match service {
            Some(Service::Elbv2) => xml::render_error(xml::ELBV2, error, &request_id),
            Some(Service::Sts) => xml::render_error(xml::STS, error, &request_id),
            _ => {
                let mut body = error.extra.clone();
                let member = if service == Some(Service::Secrets) { "Message" } else { "message" };
                body.insert("__type".to_owned(), error.code.into());
                body.insert(member.to_owned(), error.message.as_str().into());
                Value::Object(body).to_string()
            }
        };
        let query = service.is_some_and(Service::speaks_query);
        let kind = if query { "text/xml" } else { "application/x-amz-json-1.1" };
        Self::new(error.status, kind, request_id, text, Some(error.code))
    }

    fn new(
        status: u16,
        content_type: &'static str,
        request_id: String,
        text: String,
        error: Option<&'static str>,
    ) -> Self {
        Self { status, content_type, request_id, body: text.into_bytes(), error }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SIGNED: &str = "AWS4-HMAC-SHA256 Credential=AKID/20260101/eu-west-1/ecs/aws4_request, SignedHeaders=host, Signature=0";

    #[test]
    fn a_json_request_is_known_by_its_target_and_scope() {
        let header = |name: &str| match name {
            "authorization" => Some(SIGNED),
            "x-amz-target" => Some("AmazonEC2ContainerServiceV20141113.ListClusters"),
            _ => None,
        };
        let request = Request::read(header, b"{}").unwrap();
        assert_eq!((request.service, request.operation.as_str()), (Service::Ecs, "ListClusters"));
        assert_eq!((request.region.as_str(), request.access_key.as_deref()), ("eu-west-1", Some("AKID")));
    }

    #[test]
    fn a_form_is_known_by_its_version_and_a_stranger_is_refused() {
        let none = |_: &str| None;
        let request = Request::read(none, b"Action=DescribeRules&Version=2015-12-01").unwrap();
        assert_eq!((request.service, request.region.as_str()), (Service::Elbv2, "us-east-1"));
        assert!(Request::read(none, b"Action=DescribeDBInstances&Version=2014-10-31").is_err());
    }

    #[test]
    fn reads_and_writes_differ_by_name() {
        assert!(
            !is_write("DescribeServices") && !is_write("GetSecretValue") && !is_write("BatchGetSecretValue")
        );
        assert!(is_write("UpdateService") && is_write("RunTask") && is_write("PutRetentionPolicy"));
    }
}

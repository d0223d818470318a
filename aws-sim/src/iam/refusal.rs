//! How services say that a caller is not authorized.
//!
//! Sources: IAM User Guide, "Troubleshoot access denied error messages" (the sentence and its
//! endings), and errors of the live services, named below.

use super::{
    evaluation::Decision,
    question::{Principal, Question},
};
use crate::{
    error::ApiError,
    wire::{Request, Service},
};

/// The refusal of a question in the words and with the code of a service.
pub(super) fn of(
    request: &Request,
    principal: &Principal,
    question: &Question,
    decision: Decision,
) -> ApiError {
    let (status, code) = code(request.service);
    if request.operation == "CreateLogGroup" && question.action == "logs:TagResource" {
        // Live: DataDog/cloudformation-template#61.
        let text = format!(
            "User with accountId: {} is not authorized to perform CreateLogGroup with Tags. \
             An additional permission \"logs:TagResource\" is required.",
            principal.account
        );
        return ApiError::new(status, code, text);
    }
    let Question { action, resource, .. } = question;
    let why = match decision {
        Decision::Denied => "with an explicit deny in an identity-based policy".to_owned(),
        Decision::DeniedByBoundary => "with an explicit deny in a permissions boundary".to_owned(),
        Decision::OutOfBounds => format!("because no permissions boundary allows the {action} action"),
        Decision::NotAllowed | Decision::Allowed => {
            format!("because no identity-based policy allows the {action} action")
        }
    };
    let user = &principal.arn;
    let text = format!("User: {user} is not authorized to perform: {action} on resource: {resource} {why}");
    ApiError::new(status, code, text)
}

/// Status and code of the services' refusals.
fn code(service: Service) -> (u16, &'static str) {
    match service {
        // Live: aws/serverless-application-model#2247 (ECS); aws-samples/
        // aws-secure-environment-accelerator#1079 (Logs, status 400).
        Service::Ecs | Service::Secrets | Service::Logs => (400, "AccessDeniedException"),
        // Live: kubernetes-sigs/aws-load-balancer-controller#3086 (ELB, status 403);
        // cisagov/cool-assessment-terraform#245 and
        // tomaszkiewicz/prometheus-alertmanager-cloudwatch-webhook#3 (CloudWatch, status 403). That
        // CloudWatch keeps code and status in its newer protocols is a guess.
        Service::Elbv2 | Service::Cloudwatch | Service::Sts => (403, "AccessDenied"),
    }
}

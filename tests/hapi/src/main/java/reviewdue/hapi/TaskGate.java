package reviewdue.hapi;

import ca.uhn.fhir.context.FhirContext;
import ca.uhn.fhir.interceptor.api.Hook;
import ca.uhn.fhir.interceptor.api.Interceptor;
import ca.uhn.fhir.interceptor.api.Pointcut;
import ca.uhn.fhir.rest.api.RestOperationTypeEnum;
import ca.uhn.fhir.rest.api.server.RequestDetails;
import ca.uhn.fhir.rest.server.exceptions.UnprocessableEntityException;
import ca.uhn.fhir.validation.FhirValidator;
import ca.uhn.fhir.validation.IInstanceValidatorModule;
import java.nio.charset.StandardCharsets;

/**
 * Refuses a Task that is not valid R4, with 422 and the validator's OperationOutcome.
 *
 * <p>Judges the text as it was sent, because HAPI's parser drops what it does not know. Creates and updates
 * only: a patch, and the entries of a transaction or batch, are stored unjudged.
 */
@Interceptor
public final class TaskGate {

    private final FhirContext context;
    private final FhirValidator validator;

    TaskGate(FhirContext context, IInstanceValidatorModule rules) {
        this.context = context;
        this.validator = context.newValidator().registerValidatorModule(rules);
    }

    @Hook(Pointcut.SERVER_INCOMING_REQUEST_POST_PROCESSED)
    public void judge(RequestDetails request) {
        var operation = request.getRestOperationType();
        boolean writes = operation == RestOperationTypeEnum.CREATE || operation == RestOperationTypeEnum.UPDATE;
        if (!writes || !"Task".equals(request.getResourceName())) {
            return;
        }
        var verdict = validator.validateWithResult(new String(request.loadRequestContents(), StandardCharsets.UTF_8));
        if (!verdict.isSuccessful()) {
            throw new UnprocessableEntityException(context, verdict.toOperationOutcome());
        }
    }

    /** Loads the R4 definitions, which takes seconds: better now than inside the first request's deadline. */
    void warmUp() {
        validator.validateWithResult("""
                {"resourceType": "Task", "status": "requested", "intent": "proposal", "priority": "routine",
                 "code": {"coding": [{"system": "http://snomed.info/sct", "code": "182836005"}]},
                 "authoredOn": "2026-01-01T00:00:00Z"}""");
    }
}

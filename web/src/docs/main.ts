import SwaggerUI from "swagger-ui-dist/swagger-ui-es-bundle.js";
import "swagger-ui-dist/swagger-ui.css";
import "./docs.css";

/** The document is the one that this service serves; nothing is asked of anybody else. */
SwaggerUI({
  url: new URL("openapi.json", document.baseURI).href,
  dom_id: "#docs",
  validatorUrl: null, // or the address of the document would be sent to a validator elsewhere
  defaultModelsExpandDepth: -1,
  displayRequestDuration: true,
  tryItOutEnabled: true,
});

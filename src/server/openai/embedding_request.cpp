#include "server/openai/embedding_request.h"

namespace sovereign::server::openai {

result<EmbeddingRequest> parse_embedding_request(std::string_view body, const RequestLimits& limits) {
  auto object = parse_object(body);
  if (!object) return fail(object.error());
  Fields fields(*object);
  EmbeddingRequest request;
  fields.read("model", request.model);
  request.inputs = read_texts(fields, "input", limits.max_inputs, limits);
  std::string format = "float";
  fields.read("encoding_format", format);
  if (format != "float" && format != "base64") fields.refuse("encoding_format", "must be float or base64");
  request.base64 = format == "base64";
  request.timeout = read_timeout(fields);
  if (fields.find("dimensions") != nullptr) fields.refuse("dimensions", "is not supported");
  if (fields.error()) return fail(*fields.error());
  return request;
}

}  // namespace sovereign::server::openai

// The MessagePack values that answers are made of, in their shortest forms.
// Source: https://github.com/msgpack/msgpack/blob/master/spec.md
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace varve::http::msgpack {

// Each appends to `out`.
void AppendNil(std::string& out);
void AppendBool(std::string& out, bool value);
void AppendInteger(std::string& out, int64_t value);
void AppendUnsigned(std::string& out, uint64_t value);
void AppendFloat(std::string& out, double value);
void AppendString(std::string& out, std::string_view text);
void AppendArray(std::string& out, size_t size);
void AppendMap(std::string& out, size_t size);
// InfluxDB's time: extension type 5, seconds as 8 bytes and nanoseconds as 4, big endian.
void AppendTime(std::string& out, int64_t ns);

}  // namespace varve::http::msgpack

// Values as `varve inspect` prints them.
#pragma once

#include <string>

#include "model/types.h"

namespace varve::tsm {

// "-" for none; numbers as in line protocol; strings in quotes, unescaped.
std::string ValueText(const model::FieldValue& value);

}  // namespace varve::tsm

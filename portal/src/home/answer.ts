import type { UseQueryResult } from "@tanstack/react-query";
import type { Home } from "@/shared/api/types";

export type HomeAnswer = UseQueryResult<Home>;

# SPDX-License-Identifier: Apache-2.0
"""The traps that makers lay for whoever reads their answers, and the tests that step on each.

A test is named as pytest names it, without the parameters; behind `#`, the name of a row that it needs to have.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

_P, _A, _E = "tests/providers/", "tests/acceptance/", "tests/egress/"
_ODD = _P + "test_odd_upstreams.py::"

TRAPS: Mapping[str, Sequence[str]] = {
    "a 202 with an empty body (xAI)": [_P + "test_xai.py::test_a_202_with_an_empty_body_is_running"],
    "a 200 with a business error (Kling, DashScope, PixVerse, MiniMax)": [
        _ODD + "test_a_business_error_in_a_200_is_a_refusal_whatever_id_it_has#Kling",
        _ODD + "test_a_business_error_in_a_200_is_a_refusal_whatever_id_it_has#DashScope",
        _ODD + "test_a_business_error_in_a_200_is_a_refusal_whatever_id_it_has#PixVerse",
        _ODD + "test_a_business_error_to_a_poll_says_nothing_about_the_job",
        _P + "test_faults.py::test_a_sure_refusal_left_no_job_behind#an error in a 200",
    ],
    "a 200 whose job failed (Ark)": [
        _ODD + "test_a_job_that_failed_behind_a_good_answer_has_failed#Ark",
        _P + "test_wires.py::test_what_goes_wrong_is_told",
    ],
    "COMPLETED that failed (fal)": [
        _P + "test_fal.py::test_completed_says_only_that_the_result_may_be_asked_for",
        _P + "test_fal.py::test_completed_may_have_failed",
    ],
    "done:true with an error or a filter (Google)": [
        _ODD + "test_a_job_that_failed_behind_a_good_answer_has_failed#Google, an error",
        _ODD + "test_a_job_that_failed_behind_a_good_answer_has_failed#Google, filtered",
        _ODD + "test_a_job_that_failed_behind_a_good_answer_has_failed#Vertex, filtered",
    ],
    "a 4xx or 5xx whose body is the job (vLLM-Omni)": [
        _P + "test_openai_videos.py::test_an_error_whose_body_is_the_job_is_a_failed_job",
        _P + "test_wires.py::test_a_videos_server_is_understood_however_it_answers#vllm-omni",
    ],
    "an unknown id as a 500 (MiniMax)": [
        _ODD + "test_an_unknown_id_is_never_a_failed_job#MiniMax",
        _P + "test_openai_videos.py::test_a_poll_that_failed_says_nothing_about_the_job#500",
    ],
    "an unknown id as UNKNOWN (DashScope)": [_ODD + "test_an_unknown_id_is_never_a_failed_job#DashScope"],
    "moderation hidden in success (respect_moderation: false)": [
        _P + "test_xai.py::test_moderation_hides_in_done",
        _A + "test_provider_walks.py::test_moderation_is_the_callers_to_mend",
    ],
    "a null status with a URL": [
        _P + "test_xai.py::test_a_null_status_with_a_url_is_done",
        _P + "test_unified.py::test_a_finished_video_is_found_wherever_relays_put_it#a null status with a URL",
        _P + "test_openai_videos.py::test_a_finished_video_is_found_and_the_key_goes_to_the_server_alone"
        "#a null status with a URL",
    ],
    "the status word succeed": [
        _P + "test_unified.py::test_a_finished_video_is_found_wherever_relays_put_it#succeed",
    ],
    "the status word success": [
        _P + "test_unified.py::test_a_finished_video_is_found_wherever_relays_put_it#success",
    ],
    "the status word dreaming": [_P + "test_openai_videos.py::test_a_job_on_its_way_is_read#dreaming"],
    "the status word THROTTLED": [_P + "test_openai_videos.py::test_a_job_on_its_way_is_read#THROTTLED"],
    "the status word aborted": [_P + "test_unified.py::test_a_failed_job_says_why#aborted"],
    "the status words canceled and cancelled": [
        _P + "test_unified.py::test_a_job_on_its_way_is_read#canceled",
        _P + "test_unified.py::test_a_job_on_its_way_is_read#cancelled",
        _P + "test_openai_videos.py::test_a_job_on_its_way_is_read#canceled",
    ],
    "a status word that nobody knows": [
        _P + "test_unified.py::test_an_unknown_status_is_running_and_told",
        _P + "test_xai.py::test_an_unknown_status_is_running_and_told",
        _P + "test_fal.py::test_an_unknown_status_is_running_and_told",
    ],
    "a submit whose answer is lost is never sent again": [
        _A + "test_providers.py::test_without_an_answer_nothing_is_sent_again",
        _P + "test_wires.py::test_a_submit_that_went_wrong_is_refused_or_unclear#500 after accepting",
        _P + "test_faults.py::test_an_unsure_one_may_have",
        _E + "test_client.py::test_what_may_have_arrived_is_sent_once_and_said_so",
    ],
    "but where the caller's key counts once, it is repeated": [
        _P + "test_wires.py::test_one_key_makes_one_job",
        _A + "test_providers.py::test_where_a_key_counts_once_the_lost_answer_is_asked_for_again",
    ],
    "or where it can be looked up, it is found (ComfyUI)": [
        _P + "test_wires.py::test_a_prompt_whose_answer_was_lost_is_found_and_not_sent_again",
        _P + "test_comfyui.py::test_after_a_lost_answer_the_key_finds_the_prompt_whatever_its_id",
    ],
    "the key goes to the provider's own origin only": [
        _E + "test_client.py::test_the_key_goes_to_the_providers_own_origin_only",
        _E + "test_download.py::test_the_key_goes_along_to_its_own_origin_only_and_when_asked",
        _P + "test_fal.py::test_the_polls_path_has_only_owner_and_app_and_the_answers_urls_are_not_followed",
    ],
    "the key follows no redirect": [
        _E + "test_client.py::test_no_key_and_no_secret_header_crosses_a_redirect",
        _E + "test_client.py::test_what_changes_something_follows_no_redirect",
    ],
    "a result's URL that points inside our network": [
        _E + "test_guard.py::test_a_provider_cannot_send_us_inside",
        _E + "test_guard.py::test_no_spelling_reaches_this_machine",
        _E + "test_guard.py::test_a_redirect_is_checked_at_every_hop",
    ],
    "a result that is JSON or HTML and no video": [
        _E + "test_download.py::test_what_is_no_video_is_a_fault_whatever_it_is_called",
        _A + "test_provider_walks.py::test_a_file_that_stays_broken_is_the_makers_fault",
    ],
    "a URL that has expired when it is to be downloaded": [
        _A + "test_provider_walks.py::test_a_result_that_cannot_be_had_at_first_is_asked_for_again#expired",
    ],
}

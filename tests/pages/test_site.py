"""The report site itself, on the local cloud: what it answers where there is nothing to be read."""

import json
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass, field
from urllib.parse import urlsplit

import aws_cdk as cdk
import pytest
from aws_cdk import aws_s3 as s3
from aws_cdk.assertions import Template

from local_cloud import LocalCloud, testing
from padstone_cdk.proof.report import ReportSite

from .conftest import LocalSite, Tabs
from .rules import CONTRAST, SIDEWAYS
from .samples import RUN_ID

REPORT = f"runs/{RUN_ID}/index.html"
NOWHERE = (REPORT.replace("1", "2"), "", "index.html", "favicon.ico", "missing.html", "a/../b?c=d")


@dataclass
class Answer:
    """What came, and how."""

    status: int
    body: str
    headers: dict[str, str] = field(default_factory=dict)


@dataclass
class Sites:
    """A private and a public site over buckets with the same objects."""

    cloud: LocalCloud

    def deploy(self, visibility: str) -> None:
        cloudformation = testing.client(self.cloud, "sites", "cloudformation")
        cloudformation.create_stack(StackName=visibility, TemplateBody=template(visibility))
        stack = testing.stack_settled(cloudformation, visibility)
        failures = testing.failures(cloudformation, visibility)
        assert stack["StackStatus"] == "CREATE_COMPLETE", failures
        for key, body in ((REPORT, b"<p>quoted"), ("missing.html", b"<p>nothing")):
            testing.client(self.cloud, "sites", "s3").put_object(
                Bucket=visibility, Key=key, Body=body, ContentType="text/html"
            )

    def get(self, visibility: str, path: str, method: str = "GET") -> Answer:
        cloudformation = testing.client(self.cloud, "sites", "cloudformation")
        (stack,) = cloudformation.describe_stacks(StackName=visibility)["Stacks"]
        host = str(urlsplit(testing.outputs(stack)["Url"]).hostname)
        request = urllib.request.Request(
            f"{self.cloud.endpoint}/{path}",
            headers={"Host": host},
            method=method,
        )
        try:
            with urllib.request.urlopen(request, timeout=20) as answer:
                return Answer(answer.status, answer.read().decode(), dict(answer.headers))
        except urllib.error.HTTPError as error:
            with error:
                return Answer(error.code, error.read().decode(), dict(error.headers))


def template(visibility: str) -> str:
    """The site alone, as the stack of an account has it."""
    stack = cdk.Stack(cdk.App(), visibility, synthesizer=cdk.BootstraplessSynthesizer())
    bucket = s3.CfnBucket(stack, "Bucket", bucket_name=visibility).ref
    chosen = cdk.CfnParameter(stack, "Visibility", default=visibility).value_as_string
    site = ReportSite(stack, "Site", bucket=bucket, visibility=chosen)
    cdk.CfnOutput(stack, "Url", value=site.url)
    return json.dumps(Template.from_stack(stack).to_json())


@pytest.fixture(scope="module")
def sites(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sites]:
    with LocalCloud.start(tmp_path_factory.mktemp("sites"), auth=True) as cloud:
        cloud.add_account("sites")
        made = Sites(cloud)
        for visibility in ("private", "public"):
            made.deploy(visibility)
        yield made


def strict(answer: Answer, headers: dict[str, str]) -> bool:
    """Whether an answer comes with all the headers of the site's policy."""
    return headers.items() <= answer.headers.items()


def test_a_private_site_says_the_same_of_what_is_there_and_what_is_not(
    sites: Sites, headers: dict[str, str]
) -> None:
    """One page, whatever is asked for: that reports are private, and how operators read them."""
    there = sites.get("private", REPORT)
    assert there.status == 403
    assert "padstone proof report ACCOUNT RUN --serve" in there.body
    assert "quoted" not in there.body
    assert strict(there, headers)
    for path in NOWHERE:
        answer = sites.get("private", path)
        assert (answer.status, answer.body) == (there.status, there.body), path
        assert strict(answer, headers), path


def test_a_public_site_shows_its_pages(sites: Sites, headers: dict[str, str]) -> None:
    """Under the policy by which nothing in them runs."""
    answer = sites.get("public", REPORT)
    assert (answer.status, answer.body) == (200, "<p>quoted")
    assert strict(answer, headers)


def test_what_a_public_site_has_not_is_not_found(sites: Sites, headers: dict[str, str]) -> None:
    """By a page of its own, and not by the bucket's refusal."""
    answer = sites.get("public", NOWHERE[0])
    assert (answer.status, answer.body) == (404, "<p>nothing")
    assert strict(answer, headers)


@pytest.mark.parametrize("visibility", ["private", "public"])
def test_nobody_writes_through_the_site(sites: Sites, visibility: str) -> None:
    """It takes GET and HEAD, whoever asks."""
    assert sites.get(visibility, REPORT, method="PUT").status == 403
    assert sites.get(visibility, REPORT, method="DELETE").status == 403


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("width", [390, 1280])
def test_the_page_of_a_private_site_is_readable_everywhere(
    sites: Sites, site: LocalSite, tabs: Tabs, width: int, dark: bool
) -> None:
    """On phone and desktop, light and dark: no complaint, enough contrast, nothing cut off."""
    url = site.page(REPORT, sites.get("private", REPORT).body)
    tab = tabs.open(url, width=width, dark=dark)
    assert tab.complaints == []
    assert tab.page.evaluate(CONTRAST) == []
    assert tab.page.evaluate(SIDEWAYS) == []

# SPDX-License-Identifier: Apache-2.0
"""The fakes of vendors' gateways sign as the vendors' own published examples do."""
import hashlib

from fakes import aliyun, tencent, twilio


def test_aliyun_encodes_as_published():
    assert [aliyun.encode(text) for text in ("a b", "*", "~-_.", "默认", "a+b/c=&")] == [
        "a%20b", "%2A", "~-_.", "%E9%BB%98%E8%AE%A4", "a%2Bb%2Fc%3D%26"]


def test_aliyun_signs_rpc_as_published():
    params = {"AccessKeyId": "testid", "Action": "DescribeRegions", "Format": "XML",
              "SignatureMethod": "HMAC-SHA1", "SignatureVersion": "1.0",
              "SignatureNonce": "3ee8c1b8-83d3-44af-a94f-4e0ad82fd6cf",
              "Timestamp": "2016-02-23T12:46:24Z", "Version": "2014-05-26"}
    assert aliyun.rpc_signature("testsecret", "GET", params) == "OLeaidS1JvxuMvnyHOwuJ+uX5qY="
    params = {"AccessKeyId": "testId", "Action": "SendSms", "Format": "XML", "OutId": "123",
              "PhoneNumbers": "15300000001", "RegionId": "cn-hangzhou",
              "SignName": "阿里云短信测试专用", "SignatureMethod": "HMAC-SHA1",
              "SignatureNonce": "45e25e9b-0a6f-4070-8c85-2956eda1b466", "SignatureVersion": "1.0",
              "TemplateCode": "SMS_71390007", "TemplateParam": '{"customer":"test"}',
              "Timestamp": "2017-07-12T02:42:19Z", "Version": "2017-05-25"}
    assert aliyun.rpc_signature("testSecret", "GET", params) == "zJDF+Lrzhj/ThnlvIToysFRq6t4="


def test_aliyun_signs_acs3_as_published():
    headers = {"host": "ecs.cn-shanghai.aliyuncs.com", "x-acs-action": "RunInstances",
               "x-acs-version": "2014-05-26", "x-acs-date": "2023-10-26T10:22:32Z",
               "x-acs-signature-nonce": "3156853299f313e23d1673dc12e1703d",
               "x-acs-content-sha256": hashlib.sha256(b"").hexdigest()}
    params = {"ImageId": "win2019_1809_x64_dtc_zh-cn_40G_alibase_20230811.vhd",
              "RegionId": "cn-shanghai"}
    canonical = aliyun.acs3_canonical("POST", params, headers, sorted(headers))
    assert hashlib.sha256(canonical.encode()).hexdigest() == (
        "7ea06492da5221eba5297e897ce16e55f964061054b7695beedaac1145b1e259")
    assert aliyun.acs3_signature("YourAccessKeySecret", canonical) == (
        "06563a9e1b43f5dfe96b81484da74bceab24a1d853912eee15083a6f0f3283c0")


CVM = {"content-type": "application/json; charset=utf-8", "host": "cvm.tencentcloudapi.com",
       "x-tc-action": "DescribeInstances"}
CVM_BODY = (rb'{"Limit": 1, "Filters": [{"Values": ["\u672a\u547d\u540d"], "Name": "instance-name"}]}')


def test_tencent_signs_as_published():
    canonical = tencent.canonical_sha256(CVM, sorted(CVM), CVM_BODY)
    assert canonical == "7019a55be8395899b900fb5564e4200d984910f34794a27cb3fb7d10ff6a1e84"
    assert tencent.signature("*" * 32, "cvm", 1551113065, canonical) == (
        "10b1a37a7301a02ca19a647ad722d5e43b4b3cff309d421d85b46093f6ab6c4f")


def test_tencent_signs_as_published_before_actions_were_signed():
    canonical = tencent.canonical_sha256(CVM, ["content-type", "host"], CVM_BODY)
    assert canonical == "5ffe6a04c0664d6b969fab9a13bdab201d63ee709638e2749d62a09ca18d7031"
    for secret, wanted in (
            ("Gu5t9xGARNpq86cd98joQYCN3EXAMPLE",
             "72e494ea809ad7a8c8f7a4507b9bddcbaa8e581f516e8da2f66e2c5a96525168"),
            ("Gu5t9xGARNpq86cd98joQYCN3*******",
             "2230eefd229f582d8b1b891af7107b91597240707d778ab3738f756258d7652c")):
        assert tencent.signature(secret, "cvm", 1551113065, canonical) == wanted


def test_twilio_takes_basic_as_rfc_7617_has_it():
    assert twilio.basic("Aladdin", "open sesame") == "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ=="
